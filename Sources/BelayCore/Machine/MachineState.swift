/// Everything the machine knows, all of it from journaled events.
package struct MachineState: Hashable, Sendable {
    package enum Phase: Hashable, Sendable {
        /// The target is being marked as ours. Next: `.pinning`, `.returning`, or finished as refused.
        case claiming
        /// Stable 100 % is asserted and read back before anything else. Next: `.settling`, `.routing`.
        case pinning
        /// Waits until no window reaches back to the canary side's earlier traffic. Next: `.routing`.
        case settling(until: Timestamp)
        /// The step's share is asked for. Next: `.holding` on confirmation.
        case routing(step: Int)
        /// The step is watched. Next: `.approving`, `.routing` of the next step, `.adopting`.
        case holding(step: Int)
        /// The step waits for people. Next: `.routing` of the next step, `.adopting`, `.returning`.
        case approving(step: Int, until: Timestamp)
        /// The canary is the stable side from now on; the mark at the target is taken away. Next: `.finished`.
        case adopting
        /// Traffic goes back to stable, again and again until it is confirmed. Next: `.releasing`.
        case returning(Cause)
        /// Stable 100 % is confirmed; the mark at the target is taken away. Next: `.finished`.
        case releasing(Cause)
        case finished(Outcome)
    }

    package struct Pause: Hashable, Sendable {
        package var message: String
        package var until: Timestamp
    }

    package struct Accepted: Hashable, Sendable {
        package var share: Weight
        package var at: Timestamp
    }

    package internal(set) var phase: Phase = .claiming
    package internal(set) var phaseSince: Timestamp
    package internal(set) var epoch = 0
    /// The epoch under which the target was marked; the present holder writes only after its own mark.
    package internal(set) var claimedEpoch: Int?
    /// The share last read back from every instance; nil where it has to be asserted again.
    package internal(set) var confirmed: Weight?
    package internal(set) var confirmedAt: Timestamp
    /// Shares that may be seen without another hand in play, beside the one being asked for.
    package internal(set) var expected: [Weight] = []
    /// Every share asked for in this rollout: after a reload only these are asserted over.
    package internal(set) var asked: [Weight] = []
    /// A share that the target has taken and that is not in force yet, and since when.
    package internal(set) var accepted: Accepted?
    /// A raise that the target has taken and that was never seen in force: it may come into force after what is asked for next.
    package internal(set) var isRaiseUnseen = false
    /// Of each instance, as it was last seen.
    package internal(set) var incarnations: [String?] = []
    package internal(set) var oldProcesses: [Int] = []
    package internal(set) var lostSince: Timestamp?
    /// Since when the wanted share has had to be asserted.
    package internal(set) var assertingSince: Timestamp
    package internal(set) var writeFailures = 0
    package internal(set) var nextWriteAt: Timestamp
    package internal(set) var actionFailures = 0
    package internal(set) var nextActionAt: Timestamp
    package internal(set) var metrics: [MetricProgress]
    /// From the first write on that may have given the canary traffic.
    package internal(set) var watchingSince: Timestamp?
    package internal(set) var watched: Duration = .zero
    package internal(set) var watchedUntil: Timestamp?
    /// How long the present hold could not be watched for a reason that is no gate's: a pause, a router out of reach, no
    /// driver; and since when that is so again.
    package internal(set) var excused: Duration = .zero
    package internal(set) var excusedSince: Timestamp?
    package internal(set) var pause: Pause?
    /// How much of the present step had been watched when somebody last resumed it.
    package internal(set) var watchedAtResume: Duration = .zero
    package internal(set) var approvers: [String] = []
    /// The system's users behind them.
    package internal(set) var approvingUsers: [String] = []
    package internal(set) var isHoldEnded = false
    package internal(set) var isFull = false
    package internal(set) var obeyed: [String] = []
    /// The journal's length when the present wait began: a command aimed before it meant another wait.
    package internal(set) var waitBegan = 0
    package internal(set) var attention: String?
    package internal(set) var tookOverAt: Timestamp
    package internal(set) var lastEventAt: Timestamp
    package internal(set) var unreadable = 0

    init(metrics: Int, at now: Timestamp) {
        self.metrics = Array(repeating: MetricProgress(), count: metrics)
        (phaseSince, confirmedAt, nextWriteAt, nextActionAt) = (now, now, now, now)
        (assertingSince, tookOverAt, lastEventAt) = (now, now, now)
    }

    package var isFinished: Bool {
        if case .finished = phase { true } else { false }
    }

    /// The way back has begun or is done.
    package var isReturning: Bool {
        switch phase {
        case .returning, .releasing: true
        case .claiming, .pinning, .settling, .routing, .holding, .approving, .adopting, .finished: false
        }
    }

    /// The step under way, while there is one.
    package var step: Int? {
        switch phase {
        case .routing(let step), .holding(let step), .approving(let step, _): step
        case .claiming, .pinning, .settling, .adopting, .returning, .releasing, .finished: nil
        }
    }

    /// Nothing is decided any more: what is left is to make it so.
    package var isClosing: Bool { isReturning || phase == .adopting }
}
