/// How a history of requests reaches the gate: one distortion of many that stores, servers and relabelling rules bring.
package enum Telling: String, CaseIterable, Sendable {
    case birthsFromTheStart = "children born at their first increment"
    case restartWithStartTime = "a process restarts, its start time is known"
    case restartWithoutStartTime = "a process restarts, its start time is not known"
    case restartsOften = "a process restarts every 20 s"
    case processAdded = "a process is added"
    case processLeaves = "a process leaves"
    case relabelledWhole = "all series of a target get one more label"
    case relabelledPart = "the series of bad requests get another label"
    case renamedAddress = "a target gets another address label"
    case secondJob = "a second job for one target, from the middle on"
    case twoServers = "two servers write one store"
    case alignedCopies = "copies with equal times"
    case twoProcesses = "two processes behind one address answer in turn"
    case twoProcessesWithStartTimes = "two processes behind one address, their start times known"
    case boundsOfOneSide = "bounds respelled on one side"
    case boundsOfBoth = "bounds respelled on both sides"
    case boundsOnce = "bounds respelled for one scrape"
    case missedScrapes = "scrapes missed"
    case lateSamples = "samples arrive late"
    case lateSeries = "one series arrives later than its siblings"
    case slowScrapes = "scrapes slower than the window"
    case partialAnswers = "answers that say they are partial"
    case storeBehind = "a store that is 30 s behind"
    case emptyFirstWindow = "no request in the first windows"
    case burst = "a burst"
    case pause = "a pause"

    /// Whether all that happened has to be counted, but for what no scrape shows.
    package var isExact: Bool {
        switch self {
        case .birthsFromTheStart, .restartWithStartTime, .processAdded, .processLeaves,
            .boundsOfOneSide, .boundsOfBoth, .boundsOnce, .missedScrapes, .lateSamples, .lateSeries, .slowScrapes,
            .partialAnswers, .storeBehind, .emptyFirstWindow, .burst, .pause:
            true
        case .restartWithoutStartTime, .restartsOften, .relabelledWhole, .relabelledPart, .renamedAddress, .secondJob,
            .twoServers, .alignedCopies, .twoProcesses, .twoProcessesWithStartTimes:
            false
        }
    }

    /// The largest share of the requests that may go uncounted where nothing else is wrong. It includes what is scraped
    /// only after the last look, or not in the store by then.
    package var mostLost: Double {
        switch self {
        case .twoProcesses, .twoProcessesWithStartTimes: 0.35
        case .processLeaves, .storeBehind, .restartsOften: 0.25
        default: 0.1
        }
    }
}
