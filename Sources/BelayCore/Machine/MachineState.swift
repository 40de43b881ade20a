/// Everything the machine knows, all of it from journaled events.
package struct MachineState: Hashable, Sendable {
    /// Where a rollout is in its lists of actions. Every switch over the phase lists all cases.
    package enum Phase: Hashable, Sendable {
        /// Before the first step.
        case opening(Opening)
        case step(Int, Stage)
        /// The decision to promote or to return is made: what is left is to carry it out. Until the hand-over an
        /// adoption may still be taken back.
        case closing(Closing)
        case finished(Outcome)
    }

    /// The parts of the opening.
    package enum Opening: Hashable, Sendable {
        /// This action of the opening list is next, or under way; past its end, all are done. 0, the claim, is the only one
        /// before stable 100 % is asserted. Next: `.pinning`; the first step, or `.settling`.
        case acting(Int)
        /// Stable 100 % is asserted and read back. Next: `.acting(1)`.
        case pinning
        /// Waits until no window reaches back to the canary side's earlier traffic. Next: the first step.
        case settling(until: Timestamp)
    }

    /// The parts of a step.
    package enum Stage: Hashable, Sendable {
        /// This action of the step's list is next, or under way, and the share before the step is still in force. Past
        /// the list's end all actions are done and the rollout is paused. Next: `.routing`, or `.holding` where the
        /// step's share is in force already.
        case acting(Int)
        /// The step's share is asked for. Next: `.holding` on confirmation.
        case routing
        /// The step is watched. Next: `.approving`, the next step, `.closing(.forward)`.
        case holding
        /// The step waits for people. Next: the next step, `.closing`.
        case approving(until: Timestamp)
    }

    /// The parts of the end.
    package enum Closing: Hashable, Sendable {
        /// The canary is the stable side from now on; this action of the forward list is next. Next: `.finished`.
        case forward(Int)
        /// Traffic goes back to stable, again and again until it is confirmed. Next: `.back`.
        case returning(Cause)
        /// Stable 100 % is confirmed; this action of the list back is next. Next: `.finished`.
        case back(Cause, Int)
    }

    /// An action that has begun and not ended.
    package struct Running: Hashable, Sendable {
        package var run: ActionRun
        package var since: Timestamp
        /// The epoch of the driver that runs it.
        package var epoch: Int
    }

    struct Try: Hashable, Sendable {
        var attempt: Int
        /// How the try ended; nil while it runs, and where a person has said that it is to be done once more.
        var end: ActionEnd?
    }

    /// A place in a list of actions.
    struct Place: Hashable, Sendable {
        let list: ActionList
        let index: Int

        init(list: ActionList, index: Int) { (self.list, self.index) = (list, index) }
        init(of run: ActionRun) { self.init(list: run.list, index: run.index) }
    }

    /// A wait for a person, and when it ends in the way back.
    package struct Pause: Hashable, Sendable {
        package var message: String
        package var until: Timestamp
    }

    /// A share that the target has taken, and when.
    package struct Accepted: Hashable, Sendable {
        package var share: Weight
        package var at: Timestamp
    }

    package internal(set) var phase: Phase = .opening(.acting(0))
    package internal(set) var phaseSince: Timestamp
    package internal(set) var epoch = 0
    /// The epoch under which the target was marked; the present holder writes only after its own mark.
    package internal(set) var claimedEpoch: Int?
    /// The share last read back from every instance; nil where it has to be asserted again.
    package internal(set) var confirmed: Weight?
    package internal(set) var confirmedAt: Timestamp
    /// Shares that the router may show although nobody else has set them, beside the one that is asked for.
    package internal(set) var expected: [Weight] = []
    /// Every share asked for in this rollout. After a reload Belay writes over these alone.
    package internal(set) var asked: [Weight] = []
    /// A share that the target has taken and that is not in force yet, and since when.
    package internal(set) var accepted: Accepted?
    /// A raise that the target has taken and that was never seen in force: it may come into force after what is asked for next.
    package internal(set) var isRaiseUnseen = false
    /// The incarnation of each instance, as it was last seen.
    package internal(set) var incarnations: [String?] = []
    package internal(set) var oldProcesses: [Int] = []
    package internal(set) var lostSince: Timestamp?
    /// Since when the wanted share has had to be asserted.
    package internal(set) var assertingSince: Timestamp
    package internal(set) var writeFailures = 0
    package internal(set) var nextWriteAt: Timestamp
    /// The claim, or else the one action of a list, that is under way. A hook that a gate did not wait for stays here beside
    /// the way back.
    package internal(set) var running: Running?
    /// The last try at each place that was begun.
    var tries: [Place: Try] = [:]
    /// How often this driver's claim has failed.
    package internal(set) var claimFailures = 0
    /// How often the action at the present place has failed.
    package internal(set) var actionFailures = 0
    package internal(set) var nextActionAt: Timestamp
    /// When a program last ended that was not the present action, or that tried to retire: the call for help counts
    /// from then.
    package internal(set) var programEndedAt: Timestamp?
    /// Whether the new version is on the canary's side, or may be, so that there is something to retire.
    package internal(set) var hasCanary = false
    /// Where the list back goes on, once stable 100 % is confirmed.
    var backFrom = 0
    /// The share in force while the actions of the present step are done.
    package internal(set) var shareBefore = Weight.zero
    package internal(set) var metrics: [MetricProgress]
    /// When the first write that may have given the canary traffic was recorded. Metrics are measured from then on.
    package internal(set) var watchingSince: Timestamp?
    package internal(set) var watched: Duration = .zero
    package internal(set) var watchedUntil: Timestamp?
    /// How long the present hold could not be watched for a reason that is no gate's: a pause, a router out of reach,
    /// no driver. `excusedSince`: since when such a reason is there again.
    package internal(set) var excused: Duration = .zero
    package internal(set) var excusedSince: Timestamp?
    package internal(set) var pause: Pause?
    /// How much of the present step had been watched when somebody last resumed it.
    package internal(set) var watchedAtResume: Duration = .zero
    package internal(set) var approvers: [String] = []
    /// The system users of the `approvers`.
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

    /// Whether the rollout is on the way back: stable 100 % is asserted, or it is confirmed and the list back is under
    /// way.
    package var isReturning: Bool {
        switch phase {
        case .closing(.returning), .closing(.back): true
        case .opening, .step, .closing(.forward), .finished: false
        }
    }

    /// The step under way, while there is one.
    package var step: Int? {
        switch phase {
        case .step(let step, _): step
        case .opening, .closing, .finished: nil
        }
    }

    /// Whether the decision to promote or to return is made, so that what is left is to carry it out.
    package var isClosing: Bool {
        switch phase {
        case .closing: true
        case .opening, .step, .finished: false
        }
    }

    /// The present place in the lists of actions; nil where none is done now.
    var place: Place? {
        switch phase {
        case .opening(.acting(let index)): Place(list: .opening, index: index)
        case .step(let step, .acting(let index)): Place(list: .step(step), index: index)
        case .closing(.forward(let index)): Place(list: .forward, index: index)
        case .closing(.back(_, let index)): Place(list: .back, index: index)
        case .opening(.pinning), .opening(.settling), .step(_, .routing), .step(_, .holding), .step(_, .approving),
            .closing(.returning), .finished:
            nil
        }
    }
}
