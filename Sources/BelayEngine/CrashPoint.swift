internal import BelayPlatform
internal import Foundation
internal import Glibc

/// Named instants at which the acceptance tests kill the driver: `BELAY_CRASH_AT=after-append:3` ends the process with
/// SIGKILL when that point is reached for the third time. Debug builds only.
package enum CrashPoint: String, CaseIterable, Sendable {
    case afterAppend = "after-append"
    case afterWrite = "after-write"
    case betweenRuntimeAndFile = "between-runtime-and-file"
    case beforeReadBack = "before-read-back"
    case inWayBack = "in-way-back"
    case inTakeover = "in-takeover"
    /// A program of the user's has ended, and its end is not recorded yet.
    case afterAction = "after-action"

    #if DEBUG
        private static let wanted: (point: String, left: Locked<Int>)? = {
            guard let text = ProcessInfo.processInfo.environment["BELAY_CRASH_AT"] else { return nil }
            let parts = text.split(separator: ":")
            return (String(parts[0]), Locked(parts.count > 1 ? Int(parts[1]) ?? 1 : 1))
        }()
    #endif

    /// Ends the process with SIGKILL where a test has asked for it here.
    package func reached() {
        #if DEBUG
            guard let wanted = Self.wanted, wanted.point == rawValue else { return }
            let isNow = wanted.left.withLock { left in
                left -= 1
                return left == 0
            }
            if isNow { kill(getpid(), SIGKILL) }
        #endif
    }
}
