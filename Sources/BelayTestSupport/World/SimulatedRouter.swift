internal import BelayCore

/// A router with a state in memory, as the driver meets it: values with versions, a file that is read only at the
/// start, and processes that come and go.
struct SimulatedRouter {
    struct Instance {
        var share = Weight.zero {
            didSet {
                if share != oldValue { former = oldValue }
                if !isSlow { served = share }
            }
        }
        /// What serves: the endpoints, where the target follows in its own time; else what is in force.
        var served = Weight.zero
        var isSlow = false
        /// The share before the present one.
        var former = Weight.zero
        /// What the endpoints come to next, and when; nil: not before the share changes.
        var follows: (share: Weight, at: Timestamp?)?
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

    struct Lock: Equatable {
        let epoch: Int
        let number: Int
    }

    var instances: [Instance]
    var file = Weight.zero
    var fileCanBeWritten = true
    /// Rollout epoch of the mark beside the map; nil: no mark.
    var markEpoch: Int?
    /// The mark was set by a takeover that found none.
    var markIsAfterRescue = false
    var markCanBeWritten = true
    /// Which write holds the lock around the file and the mark.
    var lock: Lock?
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

    mutating func prepare(_ index: Int, _ share: Weight, epoch: Int) -> (version: Int, process: Int64) {
        instances[index].nextVersion += 1
        instances[index].staged[instances[index].nextVersion] = (share, epoch)
        return (instances[index].nextVersion, instances[index].process)
    }

    /// - Returns: What took effect; nil where a newer version was committed, or the process that prepared it is gone: a
    ///   connection stays with the process that took it.
    mutating func commit(
        _ index: Int, _ prepared: (version: Int, process: Int64), ignoringVersions: Bool = false
    ) -> (share: Weight, epoch: Int)? {
        guard prepared.process == instances[index].process || ignoringVersions,
            prepared.version > instances[index].committed || ignoringVersions,
            let staged = instances[index].staged[prepared.version]
        else { return nil }
        instances[index].committed = max(prepared.version, instances[index].committed)
        instances[index].share = staged.share
        return staged
    }

    /// Reloads or restarts an instance: another process begins, with the file's value and fresh versions.
    mutating func restart(_ index: Int) {
        lastProcess += 1
        instances[index].share = file
        (instances[index].served, instances[index].follows) = (file, nil)
        (instances[index].committed, instances[index].nextVersion) = (0, 0)
        instances[index].staged = [:]
        instances[index].process = lastProcess
    }

    /// - Parameter ignoresEndpoints: What was written is taken for what serves.
    func read(at now: Timestamp, startedAt: Timestamp, ignoresEndpoints: Bool = false) -> Reading {
        let found = instances.indices.map { index in
            guard answers(index, at: now) else {
                return Reading.Instance(
                    running: nil, startsWith: file, incarnation: nil, isGone: !instances[index].isUp)
            }
            var found = Reading.Instance(
                running: instances[index].share, startsWith: file, incarnation: "\(instances[index].process)")
            found.isFollowing = instances[index].served != instances[index].share && !ignoresEndpoints
            return found
        }
        return Reading(instances: found, startedAt: startedAt)
    }

    var isAllCanary: Bool { file == .full && serves(.full) }
    var isAllStable: Bool { file == .zero && serves(.zero) }

    private func serves(_ share: Weight) -> Bool {
        instances.allSatisfy { !$0.isUp || $0.share == share && $0.served == share }
    }

    /// Whether the endpoints are what was written.
    var isFollowed: Bool { instances.allSatisfy { !$0.isUp || $0.served == $0.share } }
}
