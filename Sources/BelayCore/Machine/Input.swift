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
    case claimed(Claim)
    case released(error: String?)
    /// A new holder drives from here on.
    case tookOver(epoch: Int, holder: String)
    /// The wall clock moved against the boot clock by that many milliseconds.
    case clockJumped(milliseconds: Int64)
    /// The job was cancelled: SIGINT, SIGTERM or SIGHUP, with `--on-cancel rollback`.
    case cancelled(String)
    /// The journal cannot be written or the lease cannot be renewed.
    case journalLost(String)
}

/// An operator's word.
package struct Command: Hashable, Sendable {
    package enum Verb: Hashable, Sendable {
        case pause
        case resume
        case promote(full: Bool)
        case approve
        case deny
        case skip(metric: String)
        case abort
    }

    /// So that one is never obeyed twice.
    package let id: String
    package let verb: Verb
    package let actor: Actor
    package let reason: String
    /// The journal's length when the operator looked, so that two promotes cannot skip two gates.
    package let aimedAt: Int?

    package init(id: String, verb: Verb, actor: Actor, reason: String, aimedAt: Int?) {
        self.id = id
        self.verb = verb
        self.actor = actor
        self.reason = reason
        self.aimedAt = aimedAt
    }
}

package enum MeasurementPhase: String, Hashable, Sendable, CaseIterable {
    case successful, failed, inconclusive, error
    /// A transport error, a time-out, 5xx, 429, an empty answer or NaN.
    case noData = "no-data"
}

/// One evaluation of one metric.
package struct Measurement: Hashable, Sendable {
    /// The metric's place in the plan.
    package let metric: Int
    package let phase: MeasurementPhase
    /// What the provider answered, for people: `0.0312`, `[10,11]`, `NaN`.
    package let value: String
    package let message: String
    package let startedAt: Timestamp
    package let finishedAt: Timestamp
    /// The time of the newest sample it was computed from, by the driver's clock; nil: of its beginning.
    package let sampledAt: Timestamp?
    /// The requests in its window, where the metric has a query for them.
    package let requests: Double?
    /// There was nothing to see, and it was looked at: a window without any request. The time counts as watched, and what
    /// is blind stays so.
    package let isIdle: Bool
    /// What a comparison knew with it; nil where there was no new window.
    package let evidence: Evidence?

    package init(
        metric: Int, phase: MeasurementPhase, value: String, message: String = "", startedAt: Timestamp,
        finishedAt: Timestamp, sampledAt: Timestamp? = nil, requests: Double? = nil, isIdle: Bool = false,
        evidence: Evidence? = nil
    ) {
        self.sampledAt = sampledAt
        self.requests = requests
        self.isIdle = isIdle
        self.evidence = evidence
        self.metric = metric
        self.phase = phase
        self.value = value
        self.message = message
        self.startedAt = startedAt
        self.finishedAt = finishedAt
    }

    /// Up to when it looks.
    package var looksTo: Timestamp { sampledAt ?? startedAt }

    /// Whether its time counts as watched.
    package var coversTime: Bool { phase.hasData || isIdle }

    /// The same as no data: its samples are older than what it should be about.
    var asTooOld: Measurement {
        guard phase != .noData, phase != .error else { return self }
        return Measurement(
            metric: metric, phase: .noData, value: value, message: "its samples are from before the canary had traffic",
            startedAt: startedAt, finishedAt: finishedAt, sampledAt: sampledAt, requests: nil, evidence: evidence)
    }
}

/// A canary share to be made so.
package struct TrafficWrite: Hashable, Sendable {
    package enum Kind: Hashable, Sendable {
        /// Conditional: only while the lease is ours and no newer version was committed.
        case forward
        /// Stable 100 %, at once and on all instances; then fenced against a late writer.
        case wayBack
    }

    package let share: Weight
    package let kind: Kind
    /// The shares a forward write may replace; anything else is another hand's, and is left as it is.
    package let expecting: [Weight]

    package init(share: Weight, kind: Kind, expecting: [Weight] = []) {
        self.share = share
        self.kind = kind
        self.expecting = expecting
    }
}

/// What came of a write, as the target says itself.
package enum WriteResult: Hashable, Sendable {
    /// It was made so; the reading beside it was taken afterwards and tells whether it is in force.
    case done
    /// The target has taken it and follows in its own time: a later reading confirms it.
    case accepted
    /// Nothing, or only a part of it, was made so; why.
    case refused(String)

    /// - Parameter error: What went wrong; nil where it was made so.
    package init(error: String?) { self = error.map { .refused($0) } ?? .done }
}

/// What the router's instances say, as canary shares.
package struct Reading: Hashable, Sendable {
    /// What an instance starts with after a reload or restart.
    package enum Start: Hashable, Sendable {
        case share(Weight)
        /// The same thing as what is in force: there is no second place that could differ.
        case same
        /// It could not be read this time.
        case unknown
        /// Nobody can tell, and nothing is expected of it.
        case unknowable
    }

    package struct Instance: Hashable, Sendable {
        /// The share in force; nil where the instance could not be reached.
        package var running: Weight?
        package var start: Start
        /// Differs from one process, generation or version of the target to the next, and means nothing else; nil where the
        /// instance could not be reached.
        package var incarnation: String?
        /// What was found where a share should be and is none, in words: a value out of range, a key that is gone. Belay
        /// writes no such thing, so it is another hand's.
        package var foreign: String?
        /// Nobody is there: it serves nothing until it starts. One that is there and does not answer may serve on.
        package var isGone = false

        package init(
            running: Weight?, start: Start, incarnation: String?, isGone: Bool = false, foreign: String? = nil
        ) {
            self.running = running
            self.start = start
            self.incarnation = incarnation
            self.isGone = isGone
            self.foreign = foreign
        }

        /// - Parameter startsWith: nil where it could not be read.
        package init(
            running: Weight?, startsWith: Weight?, incarnation: String?, isGone: Bool = false, foreign: String? = nil
        ) {
            self.init(
                running: running, start: startsWith.map { .share($0) } ?? .unknown, incarnation: incarnation,
                isGone: isGone, foreign: foreign)
        }

        /// The share it starts with; nil where that is not known.
        package var startsWith: Weight? {
            switch start {
            case .share(let share): share
            case .same: running
            case .unknown, .unknowable: nil
            }
        }

        /// Whether what it starts with leaves nothing to be done for that share. Where nobody can tell it, an instance that
        /// runs has to do; of one that is gone nothing is known then.
        fileprivate func starts(with share: Weight) -> Bool {
            start == .unknowable ? !isGone : startsWith == share
        }
    }

    package var instances: [Instance]
    /// Process ids of earlier incarnations that were seen and are still there: they serve on over their open connections, by
    /// what they know.
    package var oldProcesses: [Int] = []
    /// When the reading began: one that began before the last confirmation says nothing new.
    package var startedAt: Timestamp

    package init(instances: [Instance], startedAt: Timestamp) {
        self.instances = instances
        self.startedAt = startedAt
    }

    package var isComplete: Bool { instances.allSatisfy { $0.running != nil || $0.foreign != nil } }
    package var incarnations: [String?] { instances.map(\.incarnation) }

    /// Whether anything that was read, in force or as what the router starts with, is another share. What could not be read
    /// says nothing.
    package func departs(from share: Weight) -> Bool {
        instances.contains { instance in
            instance.foreign != nil || [instance.running, instance.startsWith].contains { $0 != nil && $0 != share }
        }
    }

    /// What was found that a forward write must not replace; nil where there is nothing of that kind. The last look before an
    /// effect.
    package func objection(to write: TrafficWrite) -> String? {
        let seen = instances.flatMap { [$0.running, $0.startsWith].compactMap(\.self) }
        let found = seen.first { !write.expecting.contains($0) }?.text ?? instances.compactMap(\.foreign).first
        return found.map { "\($0) was found, which Belay did not ask for" }
    }

    /// Whether a write counts. A raise needs every instance; the way back takes an instance that is gone as done once what
    /// it will start with says so.
    package func confirms(_ write: TrafficWrite) -> Bool {
        instances.allSatisfy { instance in
            let isInForce =
                switch write.kind {
                case .forward: instance.running == write.share
                case .wayBack: instance.running == write.share || instance.isGone
                }
            return isInForce && instance.starts(with: write.share)
        }
    }
}

/// What came of marking the target as ours.
package enum Claim: Hashable, Sendable {
    /// Ours; the reading shows what the target was found at. `wasMarked`: an earlier mark of this rollout was there.
    case ours(Reading, wasMarked: Bool = true)
    /// Another rollout or a newer driver has it.
    case taken(by: String)
    /// The mark could not be read or written.
    case failed(String)
}
