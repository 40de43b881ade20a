/// How often each rare situation came up. A simulation that never meets a situation says nothing about it.
package struct Census: Sendable {
    /// What may come up in a simulated world.
    package enum Situation: String, CaseIterable, Sendable {
        case crashAfterAppend, crashBetweenInstances, crashBetweenRuntimeAndFile, crashBeforeReadBack, crashInWayBack
        case crashInTakeover, crashElsewhere
        case takeover, forcedTakeover, leaseRanOut, lateDriverWoke, lateAppendRefused, lateCommitRefused,
            lateCommitLanded
        case reload, reloadFoundOlderShare, instanceDown, instanceHung, acknowledgedWithoutEffect, answerLate,
            writeAccepted,
            fileNotWritten
        case outsideHand, outsideHandToZero, outsideHandBetweenDrivers, outsideHandInFile, rescued
        case appendUnanswered, appendFoundLater, writeSuperseded, stoppedBeforeFile, lockHeld
        case journalUnavailable, returnedWithoutJournal, reserveUsed, markNotWritten
        case metricFailed, metricError, metricEmpty, metricInconclusive, metricHung, metricStale, storeBehind
        case dryRunFailed, harmShown, suspicious, pausedOnDoubt, endedOnEvidence
        case paused, pauseRanOut, approved, denied, approvalRanOut, skipped, promoted, promotedFull, aborted,
            commandTwice
        case staleCommandRefused, cancelled, clockJumpedForward, clockJumpedBack, unreadableEvent
        case endedPromoted, endedByGate, endedByDeadline, endedBlind, endedByPerson, endedByOutsideHand
        case batched, programRan, ownWork, cameHome, programFailed, programWaited, programBesideWayBack, crashInProgram,
            programInterrupted, asked,
            answered, assumed, endedByAction
        case podsSlow, podsNeverReady, writeConflict, writeUnanswered, writeUndone, watchLate
        case endedCancelled, endedByJournal, attention, settled
    }

    package private(set) var counts = [Int](repeating: 0, count: Situation.allCases.count)
    package var steps = 0
    package var rollouts = 0

    package init() {}

    private static let index = Dictionary(uniqueKeysWithValues: Situation.allCases.enumerated().map { ($1, $0) })

    /// Counts one.
    package mutating func note(_ situation: Situation) { counts[Self.index[situation]!] += 1 }

    /// How often it came up.
    package func count(_ situation: Situation) -> Int { counts[Self.index[situation]!] }

    /// Adds another world's counts.
    package mutating func add(_ other: Census) {
        for index in counts.indices { counts[index] += other.counts[index] }
        steps += other.steps
        rollouts += other.rollouts
    }

    /// Situations that came up less than `limit` times.
    package func rarer(than limit: Int) -> [String] {
        Situation.allCases.filter { count($0) < limit }.map { "\($0.rawValue): \(count($0))" }
    }
}
