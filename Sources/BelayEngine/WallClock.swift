package import BelayCore
internal import Glibc

/// The wall time at which this clock was made, advanced by the boot-time clock. So a journaled deadline holds across a
/// reboot, and somebody who sets the system's clock does not make a hold shorter.
package struct WallClock: EngineClock {
    private let startWall: Timestamp
    private let startBoot: ContinuousClock.Instant

    /// - Parameter notBefore: The time of the journal's last event, from which this clock starts where the system's
    ///   clock was set back: a rollout's time must not stop.
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

    /// As its protocol says.
    package func sleep(until deadline: Timestamp) async throws {
        let left = now.duration(to: deadline)
        if left > .zero { try await Task.sleep(for: left) }
    }
}
