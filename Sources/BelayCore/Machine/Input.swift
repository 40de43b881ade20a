/// What the machine is told. Everything else follows from its state.
package enum Input: Equatable, Sendable {
    /// Time has passed.
    case tick
    case command(Command)
    case measured(Measurement)
    /// A traffic write ended, well or not.
    case wrote(TrafficWrite, Reading, WriteResult)
    /// The router was read back.
    case read(Reading)
    /// An action ended, well or not.
    case acted(ActionRun, ActionAnswer)
    /// A new holder drives from here on.
    case tookOver(epoch: Int, holder: String)
    /// The wall clock moved against the boot clock by that many milliseconds.
    case clockJumped(milliseconds: Int64)
    /// The job was cancelled: SIGINT, SIGTERM or SIGHUP, with `--on-cancel rollback`.
    case cancelled(String)
    /// The journal cannot be written or the lease cannot be renewed.
    case journalLost(String)
}
