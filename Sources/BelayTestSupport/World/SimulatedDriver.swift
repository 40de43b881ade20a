internal import BelayCore

/// One process: the real `Driver`, and what it has under way in the simulated world.
struct SimulatedDriver {
    struct Task {
        let attempt: Driver.Attempt
        var stage = 0
        var due: Timestamp
        var startedAt: Timestamp
        /// The world's clock when it began, whatever the driver's own clock says.
        var trueStart: Timestamp
        /// What was prepared on each instance, and in which of its processes.
        var versions: [(version: Int, process: Int64)?] = []
        var error: String?
        /// The driver gave it up and told it so. What is on its way already may still take effect.
        var isCancelled = false
        var outsideChangesAtStart = 0
        var wasMarked = false
        /// What the router showed when a write began.
        var before: Reading?

        var job: Driver.Job { attempt.job }
    }

    var driver: Driver
    let epoch: Int
    /// The driver's clock against the world's, in milliseconds.
    let offset: Int64
    var tasks: [Task] = []
    var wakesAt: Timestamp
    var renewsAt: Timestamp
    /// Until when the process is suspended; nothing of it happens before.
    var asleepUntil: Timestamp
    /// What was found before the release, from the record.
    var knowsOriginals = true
    /// It has come to its end and only waits for its writes.
    var isLeaving = false
    /// When an append that had counted as unwritten is answered.
    var answerDue: Timestamp?
    /// Whether it was written.
    var answersWell = true

    func clock(_ now: Timestamp) -> Timestamp { Timestamp(milliseconds: now.milliseconds + offset) }
}
