package import BelayCore
package import BelayEngine
package import BelayPlatform

/// A target in memory for those who ask before a drive: what its survey and its mark say is set by the test.
package final class MemoryTarget: TargetKit, TargetOwnership {
    /// What a survey and the mark say.
    package struct State: Sendable {
        package var survey = Survey()
        package var record = OwnerRecord.none
        package var isDriven = false
        package var traffic: [String: Timestamp] = [:]
        package var surveys = 0
    }

    package let world: Locked<State>
    private let clock = SkippingClock()

    package init(secondShare: Weight = .zero) {
        var state = State()
        state.survey.secondShare = secondShare
        state.survey.original = .string("\(secondShare.basisPoints)")
        world = Locked(state)
    }

    package var ownership: any TargetOwnership { self }

    /// As its protocol says.
    package func survey() async -> Survey {
        world.withLock { world in
            world.surveys += 1
            return world.survey
        }
    }

    /// As its protocol says.
    package func router(_ roles: Roles, original: JSONValue, _ clock: any EngineClock) -> any TrafficRouter {
        MemoryRouter(self.clock)
    }
    package var actions: any ActionRunner { MemoryPrograms(clock) }
    /// As its protocol says.
    package func value(for secondShare: Weight) -> Int { secondShare.basisPoints }
    /// As its protocol says.
    package func words(for share: Weight, _ roles: Roles, reach: Reach) -> String {
        "share = \(roles.mirrored(share).basisPoints)"
    }
    package var writeWords: String { "in memory" }
    /// As its protocol says.
    package func wayBackWords(to secondShare: Weight) -> String { "\(secondShare.text) at once" }

    package var place: String { "the mark in memory" }
    /// As its protocol says.
    package func read() -> OwnerRecord { world.withLock { $0.record } }
    /// As its protocol says.
    package func mayBeDriven(_ mark: OwnerMark) -> Bool { world.withLock { $0.isDriven } }
    /// As its protocol says.
    package func removeAnyway() { world.withLock { $0.record = .none } }
    /// As its protocol says.
    package func lastTraffic(of side: String) -> Timestamp? { world.withLock { $0.traffic[side] } }
}
