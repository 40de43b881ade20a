package import BelayCore
internal import BelayPlatform

/// Everything between a file and a driven rollout, for the commands and, later, the daemon: the look at the live
/// target, the plan that is bound to it, and who drives.
package struct Releases {
    /// The journal; nil where none can be read, and then no rollout of ours is under way.
    package let store: (any RolloutStore)?
    private let kits: @Sendable (Traffic) -> any TargetKit

    /// - Parameter kits: The registry of targets.
    package init(store: (any RolloutStore)?, kits: @escaping @Sendable (Traffic) -> any TargetKit) {
        self.store = store
        self.kits = kits
    }

    /// What drives a target of that vendor.
    package func kit(for traffic: Traffic) -> any TargetKit { kits(traffic) }

    /// Names the target on this host.
    package static func identity(of traffic: Traffic) -> String { traffic.identity(on: ProcessIdentity.hostName) }

    // MARK: The look at the target

    /// Looks at ownership first, then at the target; changes nothing.
    /// - Throws: ``ReleaseRefusal`` `.taken` where the target is another rollout's, `.unreachable` where a part of it does not
    ///   answer, `.invalid` for the rest.
    package func survey(_ traffic: Traffic) async throws(ReleaseRefusal) -> Survey {
        let identity = Self.identity(of: traffic)
        var over: [String] = []
        if let store {
            if let busy = try await orRefuse({ () throws(JournalFailure) in
                try await store.rolloutUnderWay(on: identity)
            }) {
                throw ReleaseRefusal(
                    .taken, "\(busy) is under way on this target (\(traffic.words)); nothing was touched",
                    await driverWords(of: busy))
            }
            over = try await orRefuse { () throws(JournalFailure) in try await store.finishedRollouts(on: identity) }
        }
        let kit = kits(traffic)
        try await Self.checkOwnership(kit.ownership, over)
        let survey = await kit.survey()
        try Self.check(survey)
        return survey
    }

    private static func checkOwnership(
        _ ownership: any TargetOwnership, _ over: [String]
    ) async throws(ReleaseRefusal) {
        switch await ownership.read() {
        case .none: break
        case .mark(let mark) where over.contains(mark.rollout): break
        case .mark(let mark):
            let host = mark.process.host
            throw ReleaseRefusal(
                .taken,
                "the target belongs to \(mark.rollout) (\(mark.process.text), journal \(mark.store), stable is \(mark.stable)); nothing was touched",
                await ownership.mayBeDriven(mark)
                    ? "its driver may be alive: `belay status \(mark.rollout) --db \(mark.store)` on \(host)"
                    : "its driver is gone: `belay resume \(mark.rollout) --db \(mark.store)` on \(host) goes on with it",
                "if that rollout is gone for good, `belay rescue FILE` returns the traffic and takes its mark away (\(ownership.place))"
            )
        case .unreadable(let why): throw ReleaseRefusal(.taken, "\(why); nothing was touched")
        }
    }

    private static func check(_ survey: Survey) throws(ReleaseRefusal) {
        guard !survey.problems.isEmpty else { return }
        var isReachable = true
        let lines = survey.problems.map { problem in
            switch problem {
            case .invalid(let message): return message
            case .unreachable(let message):
                isReachable = false
                return message
            }
        }
        throw ReleaseRefusal(isReachable ? .invalid : .unreachable, lines: lines + ["nothing was touched"])
    }

    /// Which side is stable now.
    /// - Throws: ``ReleaseRefusal`` `.invalid` where nobody knows.
    package static func roles(of survey: Survey) throws(ReleaseRefusal) -> Roles {
        guard let roles = survey.roles else {
            throw ReleaseRefusal(.invalid, "the router's share cannot be read; nothing was touched")
        }
        return roles
    }

    // MARK: The plan

    /// The plan of a release that could begin now.
    package func bind(_ request: ReleaseRequest) async throws(ReleaseRefusal) -> BoundRelease {
        let survey = try await survey(request.traffic)
        return try bind(request, survey, try Self.roles(of: survey))
    }

    /// The plan of a release while another one is under way. The side that is stable for that one counts as stable
    /// here, whatever the target shows at this moment.
    package func bindBusy(_ request: ReleaseRequest) async throws(ReleaseRefusal) -> BoundRelease {
        let kit = kits(request.traffic)
        var stable: String?
        if let machine = try await machineUnderWay(on: Self.identity(of: request.traffic)) {
            stable = machine.plan.stable.name
        } else if case .mark(let mark) = await kit.ownership.read() {
            stable = mark.stable
        }
        let roles = Roles(canaryIsSecond: stable != request.traffic.sides.second.name)
        return try bind(request, await kit.survey(), roles)
    }

    /// The machine of the rollout that is under way on a target; nil where there is none.
    package func machineUnderWay(on identity: String) async throws(ReleaseRefusal) -> RolloutMachine? {
        guard let store else { return nil }
        return try await orRefuse { () throws(JournalFailure) in
            guard let id = try await store.rolloutUnderWay(on: identity) else { return nil }
            return try await store.machine(of: id)
        }
    }

    private func bind(
        _ request: ReleaseRequest, _ survey: Survey, _ roles: Roles
    ) throws(ReleaseRefusal) -> BoundRelease {
        let identity = Self.identity(of: request.traffic)
        let asked = try request.compile(roles, identity)
        let (reached, unreachable) = asked.reaching(survey.reach)
        guard let plan = reached else {
            let step = unreachable.map { "step \($0 + 1) (\(asked.share(ofStep: $0).text))" } ?? "a step"
            throw ReleaseRefusal(
                .invalid,
                "\(step) wants both versions to have traffic, and this target gives all or nothing; nothing was touched"
            )
        }
        let mirrored = try? request.compile(Roles(canaryIsSecond: !roles.canaryIsSecond), identity)
        return BoundRelease(plan: plan, mirrored: mirrored, survey: survey, kit: kits(request.traffic))
    }

    /// Binds the frozen plan of a rollout that is over, to be run again.
    /// - Throws: ``ReleaseRefusal`` as ``survey(_:)`` does, and `.invalid` where the roles have changed meanwhile,
    ///   where the target can give none that is near to what was asked, or where the canary's side cannot serve.
    package func bindAgain(_ plan: Plan, of id: String) async throws(ReleaseRefusal) -> BoundRelease {
        let survey = try await survey(plan.target.traffic)
        guard survey.roles == plan.roles else {
            throw ReleaseRefusal(
                .invalid,
                "\(plan.canary.name) has all traffic now, and the frozen plan of \(id) made it the canary; use `belay run`"
            )
        }
        var asked = plan
        for index in asked.steps.indices {
            if let share = asked.steps[index].asked {
                (asked.steps[index].weight, asked.steps[index].asked) = (share, nil)
            }
        }
        let (reached, unreachable) = asked.reaching(survey.reach)
        guard let again = reached else {
            throw ReleaseRefusal(
                .invalid,
                "the target cannot give the \(plan.share(ofStep: unreachable ?? 0).text) of the frozen plan any more; use `belay run`; "
                    + "nothing was touched")
        }
        let bound = BoundRelease(plan: again, mirrored: nil, survey: survey, kit: kits(plan.target.traffic))
        try bound.checkCanServe()
        return bound
    }

    // MARK: Who drives

    /// Says whether somebody drives a rollout and what to type next; empty without a journal.
    package func driverWords(of id: String) async -> String {
        guard let store else { return "" }
        if let driver = (try? await store.driver(of: id)) ?? nil {
            return "\(driver.text) drives it: `belay status \(id)`, `belay wait \(id)`, `belay abort \(id)`"
        }
        guard let last = (try? await store.lastDriver(of: id)) ?? nil else {
            return "nobody drives it: `belay resume \(id)`"
        }
        return
            "its driver (\(last.text)) is gone: `belay resume \(id)` goes on with it, `belay abort \(id)` takes the traffic back"
    }
}
