internal import BelayCore

/// HAProxy as the driver meets it: map values with versions, a file that is read at start only, processes that come and go.
struct SimulatedRouter {
    struct Instance {
        var share = Weight.zero
        /// A commit of an older version than this one is refused.
        var committed = 0
        var nextVersion = 0
        /// What was prepared; a new process knows nothing of it.
        var staged: [Int: (share: Weight, epoch: Int)] = [:]
        var process: Int64
        var isUp = true
        /// Answers neither readings nor writes until then.
        var hungUntil = Timestamp(milliseconds: 0)
    }

    var instances: [Instance]
    var file = Weight.zero
    var fileCanBeWritten = true
    /// Rollout epoch of the mark beside the map; nil: no mark.
    var markEpoch: Int?
    var markCanBeWritten = true
    /// The highest epoch that has fenced all reachable instances.
    var fencedEpoch = 0
    private var lastProcess: Int64 = 100

    init(instances count: Int) {
        instances = []
        for _ in 0..<count {
            lastProcess += 1
            instances.append(Instance(process: lastProcess))
        }
    }

    func answers(_ index: Int, at now: Timestamp) -> Bool { instances[index].isUp && instances[index].hungUntil <= now }

    mutating func prepare(_ index: Int, _ share: Weight, epoch: Int) -> Int {
        instances[index].nextVersion += 1
        instances[index].staged[instances[index].nextVersion] = (share, epoch)
        return instances[index].nextVersion
    }

    /// - Returns: What took effect; nil where a newer version was committed, or this process never prepared it.
    mutating func commit(_ index: Int, version: Int, ignoringVersions: Bool = false) -> (share: Weight, epoch: Int)? {
        guard version > instances[index].committed || ignoringVersions, let staged = instances[index].staged[version]
        else { return nil }
        instances[index].committed = max(version, instances[index].committed)
        instances[index].share = staged.share
        return staged
    }

    /// A reload or restart: the file's value, fresh versions, another process.
    mutating func restart(_ index: Int) {
        lastProcess += 1
        instances[index].share = file
        (instances[index].committed, instances[index].nextVersion) = (0, 0)
        instances[index].staged = [:]
        instances[index].process = lastProcess
    }

    func read(at now: Timestamp, startedAt: Timestamp) -> Reading {
        let found = instances.indices.map { index in
            answers(index, at: now)
                ? Reading.Instance(running: instances[index].share, startsWith: file, process: instances[index].process)
                : Reading.Instance(running: nil, startsWith: file, process: nil, isGone: !instances[index].isUp)
        }
        return Reading(instances: found, startedAt: startedAt)
    }

    var isAllStable: Bool { file == .zero && instances.allSatisfy { !$0.isUp || $0.share == .zero } }
}
