internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform
internal import BelayRouters
internal import BelaySpec

extension Release.OnCancel: ExpressibleByArgument {}

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Start a rollout and drive it to its end.",
        discussion: "Plans, records, moves the traffic step by step, and takes it back by itself when a gate fails.")

    @OptionGroup var spec: SpecOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var who: ActorOptions

    @Option(help: "A repeated run of the same key attaches to the first one instead of starting twice.")
    var key: String?

    @Option(
        help: "The whole rollout's time limit, e.g. 2h; its end is the way back.", transform: DurationArgument.parse)
    var timeout: Duration?

    @Flag(
        name: .customLong("dry-run"),
        help: "Only show the plan; where the target can try writes without doing them, as a cluster can, each is tried."
    )
    var isDryRun = false

    @OptionGroup var driving: DriveOptions

    func validate() throws {
        // With `--key "$BUILD_TAG"` and the variable unset, every run would have the same, empty key.
        if let key, key.allSatisfy(\.isWhitespace) {
            throw ValidationError("--key is empty: is the variable behind it set?")
        }
    }

    func run() async throws {
        if !isDryRun { Pipeline(driving.pipeline).clear() }
        let spec = try await spec.load()
        if isDryRun { return try await rehearse(spec) }
        let clock = WallClock()
        let journal = try store.open(.drive, clock: clock)
        let release = driving.release(journal, clock, output: store.output)
        if let key, let id = try orFail({ () throws(JournalFailure) in try journal.rollout(withKey: key) }) {
            return try await attach(to: id, key, spec, release)
        }
        let looking = Preflight.cancellable()
        let bound = try await unlessRefused { () throws(ReleaseRefusal) in
            let bound = try await Release.releases(journal).bind(Release.request(spec))
            try bound.checkCanServe()
            return bound
        }
        let notes = try await Release.asking { provider throws(CommandFailure) in
            let check = GateCheck(provider)
            let tried = try await unlessRefused { () throws(ReleaseRefusal) in
                try await check.tryMetrics(of: bound.plan)
            }
            return tried.notes + (await check.warnings(bound))
        }
        for note in bound.survey.remarks + notes { Console.say("note: \(note)") }
        looking.end()
        let opening = ReleaseDrive.Opening(
            key: key, digest: try Release.digest(of: spec), timeout: timeout, actor: who.person, reason: who.reason)
        do {
            let status = try await release.start(bound, opening)
            throw ExitCode(status.rawValue)
        } catch let failure as CommandFailure {
            // Another run of the same key may have been quicker between our look and our record.
            guard let key, let id = try orFail({ () throws(JournalFailure) in try journal.rollout(withKey: key) })
            else { throw failure }
            try await attach(to: id, key, spec, release)
        }
    }

    /// Shows what would be done, and refuses what a run would refuse, with the same exit code.
    private func rehearse(_ spec: RolloutSpec) async throws {
        Signals.unblock()
        let releases = Release.releases(try? store.open(.operate))
        let bound = try await unlessRefused { () throws(ReleaseRefusal) in
            let bound = try await releases.bind(Release.request(spec))
            try bound.checkCanServe()
            return bound
        }
        let outlooks = await Release.asking { provider in await GateCheck(provider).outlooks(of: bound) }
        PlanText(bound: bound, notes: spec.notes, outlooks: outlooks)
            .print(store.output, after: ["dry run: nothing was changed"])
    }

    /// Attaches to the first run of this key: takes its outcome where it is over, waits for it where a living process
    /// drives it, and takes it over where nobody does.
    private func attach(to id: String, _ key: String, _ spec: RolloutSpec, _ release: Release) async throws {
        let machine = try orFail { () throws(JournalFailure) in try release.journal.machine(of: id) }
        try Self.check(machine, isOf: spec, id, key)
        let started = machine.started
        Console.say(
            "\(id): attaching to the run of this key: \(started.plan.name) \(started.plan.revision), started by \(started.actor.words)"
        )
        if case .finished(let outcome) = machine.state.phase {
            Console.say("\(id) is over: \(EventText(plan: started.plan).line(.finished(outcome))?.text ?? "")")
            throw ExitCode(ended(id, ExitStatus(outcome), release))
        }
        let holder = try orFail { () throws(JournalFailure) in try release.journal.holder(of: id) }
        if let holder, holder.isLive(at: release.clock.now) {
            Console.say("\(id): \(holder.process.text) drives it; waiting for its end")
            throw ExitCode(ended(id, try await follow(id, release), release))
        }
        throw ExitCode(try await release.resume(id, commands: []).rawValue)
    }

    /// A job that was attached leaves the same reports as the one that drove.
    private func ended(_ id: String, _ status: ExitStatus, _ release: Release) -> Int32 {
        release.pipeline?.tell(id, exit: status.rawValue, release.journal)
        return status.rawValue
    }

    /// Refuses a key that was used for another name, revision or other files: its outcome is not that of this release.
    private static func check(
        _ machine: RolloutMachine, isOf spec: RolloutSpec, _ id: String, _ key: String
    ) throws(CommandFailure) {
        let earlier = machine.plan
        var differences: [String] = []
        if earlier.name != spec.name { differences.append("the name, \(earlier.name) then and \(spec.name) now") }
        if earlier.revision != spec.revision {
            differences.append("the revision, \(earlier.revision) then and \(spec.revision) now")
        }
        if differences.isEmpty, let digest = machine.started.digest, digest != (try Release.digest(of: spec)) {
            differences.append("the files: strategy, target or gates are not what they were")
        }
        guard !differences.isEmpty else { return }
        throw CommandFailure(
            .invalid,
            "the key \(key) was used for \(id), and something else is asked now: \(differences.joined(separator: "; "))",
            "a key is one release's own: its build's number, say; nothing was touched")
    }

    /// Waits for a rollout that another process drives. Where this job is cancelled, it aborts the rollout or leaves
    /// it, as `--on-cancel` says.
    private func follow(_ id: String, _ release: Release) async throws -> ExitStatus {
        let (journal, clock, who, onCancel) = (release.journal, release.clock, who, driving.onCancel)
        let signalled = Locked<Int32?>(nil)
        let watch = Signals.watch { number in
            guard
                signalled.withLock({ first in
                    defer { first = first ?? number }
                    return first == nil
                })
            else { return }
            let words = "the attached job was cancelled (\(Signals.name(number)))"
            guard onCancel == .rollback else {
                Console.say("\(id): \(words); left as it is, its driver goes on")
                Console.exit(.signal(number))
            }
            Console.say("\(id): \(words): aborting it")
            let abort = Command(
                id: RolloutID.make(name: "cancel", at: clock.now), verb: .abort, actor: who.person, reason: words,
                aimedAt: nil)
            do throws(JournalFailure) {
                try journal.send(abort, to: id)
            } catch {
                Console.say("\(id): the abort could not be sent: \(error.message)")
            }
        }
        let status = try await Waiting(journal: journal, clock: clock)
            .wait(id, for: .finished(stopsForPeople: false), timeout: nil)
        withExtendedLifetime(watch) {}
        return status
    }
}
