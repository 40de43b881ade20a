internal import BelayCore

/// One process: the real `Driver`, and what it has under way in the simulated world.
struct SimulatedDriver {
    struct Task {
        var job: Driver.Job
        var stage = 0
        var due: Timestamp
        var startedAt: Timestamp
        /// The world's clock when it began, whatever the driver's own clock says.
        var trueStart: Timestamp
        var versions: [Int?] = []
        var error: String?
        /// Nobody waits for it any more, but what was sent may still land.
        var isOrphan = false
        var outsideChangesAtStart = 0
    }

    var driver: Driver
    let epoch: Int
    /// The driver's clock against the world's, in milliseconds.
    let offset: Int64
    var tasks: [Task] = []
    var wakesAt: Timestamp
    var renewsAt: Timestamp
    /// A suspended process: nothing happens until then.
    var asleepUntil: Timestamp
    /// A result of a job that was given up, delivered all the same.
    var hasTakenOver = false

    func clock(_ now: Timestamp) -> Timestamp { Timestamp(milliseconds: now.milliseconds + offset) }
}
