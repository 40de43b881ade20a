internal import BelayCore

/// The four figures of DORA, as far as a journal of releases knows them.
///
/// Source: https://dora.dev/guides/dora-metrics-four-keys/. A journal does not know when a change was committed, so its lead time begins with
/// the release; and it knows a failure where the traffic was taken back, by a gate or by a person, or where a promotion was undone.
package struct DeliveryFigures: Hashable, Sendable {
    /// Releases that have ended in the period, without those that a busy target refused.
    package private(set) var releases = 0
    package private(set) var promoted = 0
    /// Those whose traffic was taken back, and promotions that were undone.
    package private(set) var failed = 0
    /// From the start to the promotion, the median; nil without a promotion.
    package private(set) var leadTime: Duration?
    /// From the decision to the confirmation of stable 100 %, the median; nil where nothing was taken back.
    package private(set) var timeToRestore: Duration?
    package let period: Duration

    /// The reason of a rollout that undoes another one begins so; that one's id follows.
    package static let undoing = "undo of "

    /// Promotions in seven days.
    package var perWeek: Double {
        let days = Double(period.wholeMilliseconds) / 86_400_000
        return days > 0 ? Double(promoted) / days * 7 : 0
    }

    /// 0…1; nil without a release.
    package var failureRate: Double? { releases > 0 ? Double(failed) / Double(releases) : nil }

    /// - Parameters:
    ///   - stories: Of one name.
    ///   - period: Its length, up to now.
    package init(_ stories: [RolloutStory], over period: Duration) {
        self.period = period
        var (leads, restores): ([Duration], [Duration]) = ([], [])
        for story in stories {
            switch story.outcome {
            case .promoted:
                (releases, promoted) = (releases + 1, promoted + 1)
                leads.append(story.startedAt.duration(to: story.endedAt))
                if story.started.reason.hasPrefix(Self.undoing) { failed += 1 }
            case .rolledBack:
                (releases, failed) = (releases + 1, failed + 1)
                if let time = story.timeToRestore { restores.append(time) }
            case .refused, nil: continue
            }
        }
        (leadTime, timeToRestore) = (Self.median(leads), Self.median(restores))
    }

    private static func median(_ values: [Duration]) -> Duration? {
        if values.isEmpty { return nil }
        let (sorted, middle) = (values.sorted(), values.count / 2)
        return values.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}

extension RolloutStory {
    /// From the decision to take the traffic back to its confirmation; nil where it was not taken back, or not confirmed.
    package var timeToRestore: Duration? {
        guard let began = wayBack?.at, let end = shares.last(where: { $0.share == .zero && $0.at >= began }) else {
            return nil
        }
        return began.duration(to: end.at)
    }
}
