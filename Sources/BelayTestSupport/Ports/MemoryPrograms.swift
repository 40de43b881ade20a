package import BelayCore
internal import BelayEngine

/// A user's programs in memory. The test decides how long each run takes and what goes wrong, and is told of each.
package final class MemoryPrograms: ActionRunner {
    /// How long a run takes, and what goes wrong.
    package typealias Answers = @Sendable (ActionRun) -> (after: Duration, error: String?)

    private let clock: SkippingClock
    private let answers: Answers
    private let tell: @Sendable (String) -> Void

    package init(
        _ clock: SkippingClock, answers: @escaping Answers = { _ in (.milliseconds(100), nil) },
        tell: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        (self.clock, self.answers, self.tell) = (clock, answers, tell)
    }

    /// As its protocol says.
    package func perform(_ command: CommandAction, as run: ActionRun, of rollout: String) async -> String? {
        if Task.isCancelled { return "it was not begun" }
        tell("runs: \(command.words)")
        let (delay, error) = answers(run)
        await clock.sleepOn(until: clock.now.advanced(by: delay))
        tell("has ended: \(command.words)")
        return error
    }
}
