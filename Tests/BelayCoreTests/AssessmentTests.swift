import Testing

@testable import BelayCore

/// Argo Rollouts' own vectors for the assessment of one metric, by their numbers.
@Suite("Assessment, by Argo Rollouts' vectors")
struct AssessmentTests {
    struct Vector: CustomTestStringConvertible, Sendable {
        let number: Int
        var failureLimit = 0
        var inconclusiveLimit = 0
        var successLimit = 0
        var count: Int?
        var failed = 0
        var inconclusive = 0
        var successes = 0
        var inARow = 0
        var errors = 0
        var isMeasuring = false
        var isTerminating = false
        let expected: Verdict

        var testDescription: String { "vector \(number)" }
    }

    static let vectors: [Vector] = [
        Vector(number: 4, expected: .pending),
        Vector(number: 4, isTerminating: true, expected: .successful),
        Vector(number: 5, isMeasuring: true, expected: .running),
        Vector(number: 6, failureLimit: 2, failed: 3, expected: .failed),
        Vector(number: 7, failureLimit: 3, failed: 3, expected: .running),
        Vector(number: 7, failureLimit: 3, failed: 3, isTerminating: true, expected: .successful),
        Vector(number: 8, inconclusiveLimit: 2, inconclusive: 3, expected: .inconclusive),
        Vector(number: 9, inconclusiveLimit: 3, inconclusive: 3, expected: .running),
        Vector(number: 10, errors: 5, expected: .error),
        Vector(number: 11, errors: 4, expected: .running),
        Vector(number: 11, errors: 4, isTerminating: true, expected: .successful),
        Vector(number: 12, count: 10, successes: 10, inARow: 10, expected: .successful),
        Vector(number: 13, count: 10, inconclusive: 5, successes: 5, expected: .inconclusive),
        Vector(number: 14, failureLimit: -1, successLimit: 3, successes: 3, inARow: 3, expected: .successful),
        Vector(number: 15, failureLimit: -1, successLimit: 5, successes: 3, inARow: 3, expected: .running),
        Vector(
            number: 15, failureLimit: -1, successLimit: 5, successes: 3, inARow: 3, isTerminating: true,
            expected: .successful),
        Vector(
            number: 16, failureLimit: -1, successLimit: 5, count: 7, failed: 4, successes: 3, inARow: 3,
            expected: .failed),
        Vector(
            number: 17, failureLimit: -1, successLimit: 5, count: 9, failed: 4, successes: 3, inARow: 3,
            expected: .running),
        Vector(number: 18, failureLimit: 4, successLimit: 4, failed: 3, successes: 3, inARow: 3, expected: .running),
        Vector(number: 19, failureLimit: 4, successLimit: 4, failed: 5, expected: .failed),
        Vector(number: 20, failureLimit: 4, successLimit: 4, failed: 3, successes: 4, inARow: 4, expected: .successful),
        Vector(number: 21, failureLimit: 4, successLimit: 4, failed: 5, successes: 4, inARow: 4, expected: .failed),
        Vector(
            number: 22, failureLimit: 4, successLimit: 4, count: 10, failed: 4, successes: 6, inARow: 3,
            expected: .inconclusive),
        Vector(
            number: 23, failureLimit: 4, successLimit: 4, count: 10, failed: 5, successes: 5, inARow: 3,
            expected: .failed),
        Vector(
            number: 23, failureLimit: 4, successLimit: 4, count: 10, failed: 4, successes: 6, inARow: 4,
            expected: .successful),
        Vector(
            number: 23, failureLimit: 4, successLimit: 4, count: 10, failed: 5, successes: 5, inARow: 4,
            expected: .failed),
        Vector(
            number: 24, failureLimit: 4, successLimit: 4, count: 8, failed: 3, successes: 3, inARow: 3,
            expected: .running),
        Vector(
            number: 24, failureLimit: 4, successLimit: 4, count: 8, failed: 3, successes: 3, inARow: 3,
            isTerminating: true, expected: .successful),
    ]

    @Test("the verdict is Argo's", arguments: vectors)
    func verdict(vector: Vector) {
        var limits = Metric.Limits()
        limits.failure = vector.failureLimit
        limits.inconclusive = vector.inconclusiveLimit
        limits.consecutiveSuccesses = vector.successLimit
        limits.count = vector.count
        var tally = Tally()
        (tally.failed, tally.inconclusive, tally.consecutiveErrors) = (
            vector.failed, vector.inconclusive, vector.errors
        )
        tally.consecutiveSuccesses = vector.inARow
        tally.counted = vector.failed + vector.inconclusive + vector.successes
        tally.total = tally.counted + vector.errors
        #expect(
            limits.assess(tally, isMeasuring: vector.isMeasuring, isTerminating: vector.isTerminating)
                == vector.expected)
    }

    @Test
    func `vectors 1 to 3: one metric running keeps the step, one failed ends the rollout whatever the other does`() {
        let metrics = [Fixture.metric(), Fixture.metric { $0.name = "latency" }]
        var story = Story.holding(Fixture.plan(metrics: metrics))
        for second in stride(from: 1.0, through: 41, by: 10) {
            story.measure(.successful, metric: 0, at: seconds(second))
        }
        #expect(story.phase == .step(0, .holding))
        story.measure(.failed, metric: 1, at: seconds(42))
        #expect(story.cause?.kind == .gate)
        let position = story.machine.position
        story.measure(.failed, metric: 0, at: seconds(43))
        #expect(story.machine.position == position)
    }

    /// Argo calls a run that was stopped before its first measurement Successful. Here `isTerminating` is asked by the
    /// vectors alone: a rollout that is stopped has an outcome of its own, and no step was ever passed by it.
    @Test func `vector 30: a rollout stopped before its first measurement is no success`() {
        var story = Story.holding()
        story.tell(.abort, at: seconds(2))
        story.confirm(at: seconds(3))
        story.close(at: seconds(3))
        guard case .finished(.rolledBack(let cause)) = story.phase else {
            Issue.record("\(story.phase)")
            return
        }
        #expect(cause.kind == .person)
    }

    @Test func `vector 25: initialDelay puts the first measurement off`() {
        let story = Story.holding(Fixture.plan(metrics: [Fixture.metric { $0.initialDelay = .seconds(20) }]))
        // From the first write on that may have given the canary traffic.
        #expect(story.machine.work(at: seconds(20.5)).measurements.isEmpty)
        #expect(story.machine.work(at: seconds(21)).measurements == [0])
    }

    @Test func `vector 26: the next measurement is due an interval after the last one ended`() {
        var story = Story.holding(
            Fixture.plan(
                steps: [PlanStep(weight: Fixture.quarter, hold: Hold(.seconds(600)))],
                metrics: [Fixture.metric { $0.interval = .seconds(60) }]))
        story.measure(.successful, at: seconds(2))
        #expect(story.machine.work(at: seconds(52)).measurements.isEmpty)
        #expect(story.machine.work(at: seconds(63)).measurements == [0])
    }

    @Test func `vector 27: an error is asked again after ten seconds, however long the interval`() {
        var story = Story.holding(
            Fixture.plan(
                steps: [PlanStep(weight: Fixture.quarter, hold: Hold(.seconds(900)))],
                metrics: [Fixture.metric { $0.interval = .seconds(300) }]))
        story.measure(.error, at: seconds(2))
        #expect(story.machine.work(at: seconds(11)).measurements.isEmpty)
        #expect(story.machine.work(at: seconds(12)).measurements == [0])
    }
}
