package import BelayCore
internal import Glibc

/// Wall time at the process's start, advanced by the boot-time clock: journaled deadlines outlive a reboot, and a
/// clock that somebody sets does not make a hold shorter.
package struct WallClock: EngineClock {
    private let startWall: Timestamp
    private let startBoot: ContinuousClock.Instant

    /// - Parameter notBefore: The journal's last event: a clock that was set back must not stop a rollout's time.
    package init(notBefore: Timestamp? = nil) {
        startWall = max(Self.systemTime, notBefore ?? Self.systemTime)
        startBoot = ContinuousClock.now
    }

    package var now: Timestamp { startWall.advanced(by: startBoot.duration(to: ContinuousClock.now)) }

    /// What the system's own clock says now; a difference from `now` is a jump.
    package static var systemTime: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    package var wall: Timestamp { Self.systemTime }

    package func sleep(until deadline: Timestamp) async throws {
        let left = now.duration(to: deadline)
        if left > .zero { try await Task.sleep(for: left) }
    }
}
