import BelayCore
import BelayPlatform
import BelayTestSupport
import Testing

@testable import BelayEngine

/// What stands between a file and a driven rollout, on a store and a target in memory.
@Suite("Before a drive")
struct ReleasesTests {
    private static let sides = Sides(
        first: Side(name: "blue", backend: "app_blue"), second: Side(name: "green", backend: "app_green"))
    private static let traffic = Target.imaginary(sides).traffic
    private static let now = Timestamp(milliseconds: 1_700_000_000_000)
    private static let process = ProcessIdentity(host: "host", bootID: "boot", pid: 100, startTime: 1)

    private static func plan(_ roles: Roles, _ identity: String) -> Plan {
        var metric = Metric(name: "errors", query: PrometheusQuery(address: "http://p", query: "q"))
        metric.window = .seconds(60)
        return Plan(
            name: "app", revision: "2", target: .imaginary(sides, identity: identity), roles: roles,
            steps: [PlanStep(weight: .full)], metrics: [metric])
    }

    private static var request: ReleaseRequest {
        ReleaseRequest(traffic: traffic) { roles, identity in plan(roles, identity) }
    }

    /// A rollout of this target; over where it has an outcome.
    private static func machine(_ outcome: Outcome?, canaryHadTraffic: Bool = true, at moment: Timestamp = now)
        -> RolloutMachine
    {
        let plan = plan(Roles(canaryIsSecond: true), Releases.identity(of: traffic))
        var machine = RolloutMachine(.init(plan: plan, original: "0", actor: Actor(name: "a")), at: moment)
        guard let outcome else { return machine }
        if canaryHadTraffic { machine.apply(.trafficConfirmed(share: .full, incarnations: ["1"]), at: moment) }
        machine.apply(.finished(outcome), at: moment)
        return machine
    }

    private static func mark(_ rollout: String) -> OwnerMark {
        OwnerMark(rollout: rollout, epoch: 1, stable: "blue", original: "0", store: "/other.db", process: process)
    }

    private static func releases(_ target: MemoryTarget, _ store: MemoryStore = MemoryStore()) -> Releases {
        Releases(store: store) { _ in target }
    }

    private static func refusal(_ body: () async throws -> Void) async -> ReleaseRefusal? {
        do {
            try await body()
            return nil
        } catch {
            return error as? ReleaseRefusal
        }
    }

    @Test(
        "a target that bears another rollout's mark is taken, whatever the router shows",
        arguments: [(true, "its driver may be alive"), (false, "its driver is gone")])
    func taken(isDriven: Bool, words: String) async {
        let target = MemoryTarget()
        target.world.withLock { ($0.record, $0.isDriven) = (.mark(Self.mark("other-1")), isDriven) }
        let refusal = await Self.refusal { _ = try await Self.releases(target).bind(Self.request) }
        #expect(refusal?.kind == .taken)
        #expect(refusal?.lines.contains { $0.contains(words) && $0.contains("/other.db") } == true)
        #expect(target.world.withLock { $0.surveys } == 0)
    }

    @Test func `the mark of a rollout that this store knows to be over stands in nobody's way`() async throws {
        let (target, store) = (MemoryTarget(secondShare: .full), MemoryStore())
        store.add("app-1", Self.machine(.promoted))
        target.world.withLock { $0.record = .mark(Self.mark("app-1")) }
        let bound = try await Self.releases(target, store).bind(Self.request)
        #expect(bound.plan.stable.name == "green" && bound.plan.canary.name == "blue")
        #expect(bound.mirrored?.canary.name == "green")
    }

    @Test(
        "a rollout under way is named with what to type",
        arguments: [(true, "drives it: `belay status"), (false, "is gone: `belay resume")])
    func underWay(isLive: Bool, words: String) async throws {
        let (target, store) = (MemoryTarget(), MemoryStore())
        store.add("app-1", Self.machine(nil), driver: Self.process, isLive: isLive)
        let releases = Self.releases(target, store)
        let refusal = await Self.refusal { _ = try await releases.bind(Self.request) }
        #expect(refusal?.kind == .taken)
        #expect(refusal?.lines.contains { $0.contains(words) && $0.contains("app-1") } == true)
        // What comes after it can be planned all the same, from its stable side.
        target.world.withLock { $0.survey.secondShare = Weight(basisPoints: 2500) }
        #expect(try await releases.bindBusy(Self.request).plan.stable.name == "blue")
    }

    @Test func `all problems of a survey come at once, and one that does not answer is the worst`() async {
        let target = MemoryTarget()
        target.world.withLock { world in
            world.survey.problems = [.invalid("no such backend"), .unreachable("no answer")]
        }
        let refusal = await Self.refusal { _ = try await Self.releases(target).bind(Self.request) }
        #expect(refusal?.kind == .unreachable)
        #expect(refusal?.lines == ["no such backend", "no answer", "nothing was touched"])
    }

    @Test func `a frozen plan is not run again once its canary is stable`() async throws {
        let target = MemoryTarget(secondShare: .full)
        let plan = Self.machine(.promoted).plan
        let refusal = await Self.refusal { _ = try await Self.releases(target).bindAgain(plan, of: "app-1") }
        #expect(refusal?.kind == .invalid)
        target.world.withLock { $0.survey.secondShare = .zero }
        _ = try await Self.releases(target).bindAgain(plan, of: "app-1")
        let quarter = PlanStep(weight: Weight(basisPoints: 2500)!)
        var quarters = plan
        quarters.steps = [quarter, PlanStep(weight: .full)]
        // What was asked for is asked for again, as near as the target comes now.
        target.world.withLock { $0.survey.reach = .parts(3) }
        let near = try await Self.releases(target).bindAgain(quarters, of: "app-1").plan
        #expect(near.steps[0].weight.basisPoints == 3333 && near.steps[0].asked?.basisPoints == 2500)
        target.world.withLock { $0.survey.reach = .parts(4) }
        let again = try await Self.releases(target).bindAgain(near, of: "app-1").plan
        #expect(again.steps[0].weight.basisPoints == 2500 && again.steps[0].asked == nil)
        target.world.withLock { $0.survey.reach = .parts(1) }
        let far = await Self.refusal { _ = try await Self.releases(target).bindAgain(quarters, of: "app-1") }
        #expect(far?.lines.first?.contains("25 %") == true)
        target.world.withLock { $0.survey.cannotServe = ["green": "green DOWN"] }
        let dead = await Self.refusal { _ = try await Self.releases(target).bindAgain(plan, of: "app-1") }
        #expect(dead?.lines.first?.contains("green DOWN") == true)
    }

    @Test func `a step asks for the nearest share that the target can give, and both versions keep traffic`()
        async throws
    {
        let target = MemoryTarget()
        target.world.withLock { $0.survey.reach = .parts(3) }
        let weights = [1000, 4900, 5100, 9900, 10_000].map { Weight(basisPoints: $0)! }
        let request = ReleaseRequest(traffic: Self.traffic) { roles, identity in
            var plan = Self.plan(roles, identity)
            plan.steps = weights.map { PlanStep(weight: $0) }
            return plan
        }
        let bound = try await Self.releases(target).bind(request)
        #expect(bound.plan.steps.map(\.weight.basisPoints) == [3333, 3333, 6667, 6667, 10_000])
        #expect(bound.plan.steps.map(\.asked) == weights.dropLast() + [nil])
        target.world.withLock { $0.survey.reach = .parts(1) }
        let refusal = await Self.refusal { _ = try await Self.releases(target).bind(request) }
        #expect(refusal?.lines.first?.contains("step 1 (10 %)") == true)
    }

    // MARK: The takeover

    private final class Observer: ReleaseObserver {
        let positions = Locked<[Int]>([])
        func began(_ id: String, _ plan: Plan, store: String) {}
        func tookOver(_ id: String, _ machine: RolloutMachine) { positions.withLock { $0.append(machine.position) } }
        func report(_ id: String, _ event: Event, _ at: Timestamp, _ machine: RolloutMachine) {}
        func warn(_ message: String) {}
        func left(_ id: String) {}
        func ended(_ id: String, _ end: Driver.End, head: String?) {}
    }

    @Test func `a takeover folds what the earlier driver wrote before the lease changed hands`() async throws {
        let (store, observer) = (MemoryStore(), Observer())
        store.add("app-1", Self.machine(nil), driver: Self.process, isLive: true)
        let before = try await store.machine(of: "app-1").position
        store.beforeAcquire.withLock { $0 = { $0.write(.claimFailed("late"), to: "app-1", at: Self.now) } }
        let drive = ReleaseDrive(
            Self.releases(MemoryTarget(), store), store: store,
            provider: MemoryProvider(SkippingClock()) { _, _ in (.scalar(0), .zero) }, observer: observer
        ) { _ in 0 }
        let result = try await drive.resume("app-1", commands: [], isForced: true)
        // Nobody can drive on a store in memory.
        guard case .ended(.needsAttention) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(observer.positions.withLock { $0 } == [before + 1])
        #expect(await store.driver(of: "app-1") == nil)
    }

    // MARK: Settling

    private static func settled(
        _ target: MemoryTarget, _ store: MemoryStore = MemoryStore(), _ change: (inout Plan) -> Void = { _ in }
    ) async throws -> Timestamp? {
        var plan = plan(Roles(canaryIsSecond: true), Releases.identity(of: traffic))
        change(&plan)
        return try await releases(target, store).settleUntil(plan, at: now)
    }

    @Test func `nothing settles on a side that never had traffic, or where the file says so`() async throws {
        let store = MemoryStore()
        store.add("app-1", Self.machine(.refused("x"), canaryHadTraffic: false))
        #expect(try await Self.settled(MemoryTarget(), store) == nil)
        let target = MemoryTarget()
        target.world.withLock { $0.traffic["green"] = Self.now }
        #expect(try await Self.settled(target) { $0.settle = .zero } == nil)
    }

    @Test func `the later of what the store and the target know counts, and neither lies in the future`() async throws {
        let (target, store) = (MemoryTarget(), MemoryStore())
        let cause = Cause(.gate, "errors")
        store.add("app-1", Self.machine(.rolledBack(cause), at: Self.now.advanced(by: .seconds(-50))))
        #expect(try await Self.settled(target, store) == Self.now.advanced(by: .seconds(10)))
        target.world.withLock { $0.traffic["green"] = Self.now.advanced(by: .seconds(-20)) }
        #expect(try await Self.settled(target, store) == Self.now.advanced(by: .seconds(40)))
        target.world.withLock { $0.traffic["green"] = Self.now.advanced(by: .seconds(9000)) }
        #expect(try await Self.settled(target, store) == Self.now.advanced(by: .seconds(60)))
        // Long ago is over.
        target.world.withLock { $0.traffic["green"] = Self.now.advanced(by: .seconds(-9000)) }
        #expect(try await Self.settled(target) == nil)
    }
}
