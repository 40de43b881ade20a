/// What happened, as the journal keeps it. Stored under stable names (BelayJournal), so cases may be renamed freely.
package enum Event: Hashable, Sendable {
    case started(Started)
    case tookOver(epoch: Int, holder: String)
    /// Durable before the action is begun.
    case actionBegan(ActionRun)
    case actionEnded(ActionRun, ActionEnd)
    /// Only in journals of 0.1.0; later ones have `actionEnded` for a claim in its place.
    case claimed(epoch: Int)
    /// Only in journals of 0.1.0, too: the mark could not be set or taken away.
    case claimFailed(String)
    /// The intent to do step `step` and to route its share; durable before its first action and the first write.
    case stepStarted(step: Int, share: Weight)
    case trafficConfirmed(share: Weight, incarnations: [String?])
    /// The target has taken the write and follows in its own time; a later reading confirms it.
    case trafficAccepted(share: Weight)
    case trafficFailed(share: Weight, message: String)
    case routerLost(String)
    case routerFound
    /// An instance was reloaded and shows a share that Belay wrote earlier, or still the right one.
    case routerReloaded(incarnations: [String?], found: [Weight])
    /// Earlier processes of the router that still serve their open connections; none: the last one has ended.
    case oldProcesses([Int])
    /// After stable 100 % was confirmed the router showed something else, and it is asserted again. After a hand-over:
    /// the router showed something else than 100 % for the canary, and a person has to look.
    case returnUndone(String)
    case measured(Measured)
    case verdict(metric: Int, verdict: Verdict, message: String)
    /// The watched time of the present hold, where no metric's measurement carries it.
    case watched(total: Duration, until: Timestamp)
    case settlingBegan(until: Timestamp)
    case approvalAsked(step: Int, until: Timestamp)
    case stepPassed(step: Int)
    case paused(message: String, until: Timestamp)
    case obeyed(Command)
    case approvalTimedOut(step: Int)
    case wayBackBegan(Cause)
    case attentionNeeded(String)
    case clockJumped(milliseconds: Int64)
    case adopted
    case finished(Outcome)
    /// Written by a newer binary. It changes nothing and blocks nothing.
    case unreadable(name: String)

    /// The first event of every rollout.
    package struct Started: Hashable, Sendable {
        package var plan: Plan
        /// What the router held before Belay touched it, as it was read.
        package var original: JSONValue
        package var settleUntil: Timestamp?
        package var deadline: Timestamp?
        package var actor: Actor
        package var reason: String
        /// A hash of the release's files, all references resolved, so that one `--key` is not used for two different
        /// releases.
        package var digest: String?
        /// The record of this journal's rollout that ended last, as it was when this one started. A record that was cut
        /// off afterwards does not match it.
        package var previous: End?

        /// The end of a rollout's record.
        package struct End: Hashable, Sendable {
            package var rollout: String
            /// How many events it had.
            package var length: Int
            /// The last hash of its chain, in hexadecimal.
            package var head: String

            package init(rollout: String, length: Int, head: String) {
                (self.rollout, self.length, self.head) = (rollout, length, head)
            }
        }

        package init(
            plan: Plan, original: JSONValue, settleUntil: Timestamp? = nil, deadline: Timestamp? = nil, actor: Actor,
            reason: String = ""
        ) {
            self.plan = plan
            self.original = original
            self.settleUntil = settleUntil
            self.deadline = deadline
            self.actor = actor
            self.reason = reason
        }
    }

    /// A measurement with what was decided about it.
    package struct Measured: Hashable, Sendable {
        package var measurement: Measurement
        /// Its whole window lies after the confirmation of the present share.
        package var isFresh: Bool
        /// The hold's watched time with this measurement, and up to when it is counted.
        package var watched: Duration
        package var watchedUntil: Timestamp?

        package init(measurement: Measurement, isFresh: Bool, watched: Duration, watchedUntil: Timestamp?) {
            self.measurement = measurement
            self.isFresh = isFresh
            self.watched = watched
            self.watchedUntil = watchedUntil
        }
    }
}
