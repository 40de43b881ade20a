/// What the router's instances say, as canary shares.
package struct Reading: Hashable, Sendable {
    /// What an instance starts with after a reload or restart.
    package enum Start: Hashable, Sendable {
        case share(Weight)
        /// The same thing as what is in force: there is no second place that could differ.
        case same
        /// It could not be read this time.
        case unknown
        /// Nobody can know it for this target, and nothing is expected of it.
        case unknowable
    }

    /// What one of the target's instances says.
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
        /// Whether no process is there, so that it serves nothing until it starts. A process that does not answer may
        /// still serve.
        package var isGone = false
        /// The share was asked for and the target still follows it, so that nothing is confirmed yet.
        package var isFollowing = false

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

        /// Whether the instance starts with that share. Where that is unknowable, it is enough that the instance is not
        /// gone.
        fileprivate func starts(with share: Weight) -> Bool {
            start == .unknowable ? !isGone : startsWith == share
        }
    }

    package var instances: [Instance]
    /// Ids of earlier processes that were seen and are still there. They serve their open connections by the share that
    /// they know.
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

    /// A found share that a forward write must not replace, in words; nil where there is none. This is asked last
    /// before the write.
    package func objection(to write: TrafficWrite) -> String? {
        let seen = instances.flatMap { [$0.running, $0.startsWith].compactMap(\.self) }
        let found = seen.first { !write.expecting.contains($0) }?.text ?? instances.compactMap(\.foreign).first
        return found.map { "\($0) was found, which Belay did not ask for" }
    }

    /// Whether the reading confirms a write. A forward write needs every instance. For the way back an instance that is
    /// gone counts, once what it will start with says so.
    package func confirms(_ write: TrafficWrite) -> Bool {
        instances.allSatisfy { instance in
            if instance.isFollowing { return false }
            let isInForce =
                switch write.kind {
                case .forward: instance.running == write.share
                case .wayBack: instance.running == write.share || instance.isGone
                }
            return isInForce && instance.starts(with: write.share)
        }
    }
}
