package import BelayCore

/// Runs the user's programs that a plan names: those that deploy a version, wait until it is ready, adopt it and stop
/// it, and the steps' hooks.
package protocol ActionRunner: Sendable {
    /// Runs a program until it ends by itself or its `timeout` is over. Once it has begun, neither the cancellation of
    /// the task nor the end of this process stops it. It does not begin where the task is cancelled before, or where an
    /// earlier program of a release on the same target still runs.
    /// - Returns: What went wrong; nil where the program ended with status 0.
    func perform(_ command: CommandAction, as run: ActionRun, of rollout: String) async -> String?
}
