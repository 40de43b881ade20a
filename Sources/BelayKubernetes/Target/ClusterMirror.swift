internal import BelayCore
internal import BelayPlatform

/// The objects of one place as a watch shows them.
///
/// A watch may lie behind what was read otherwise. Versions of objects are opaque, so nobody compares them by their size: the mirror has
/// caught up with a reading once it has had each version that the reading saw.
final class ClusterMirror: Sendable {
    private struct State {
        var objects: [String: JSONValue] = [:]
        /// The last versions of each object, by its name.
        var seen: [String: [String]] = [:]
        /// When each object that is there came, counted in events.
        var arrivals: [String: Int] = [:]
        /// When each object that is gone went.
        var goings: [String: Int] = [:]
        var events = 0
        /// The watch has told everything, and its connection answers.
        var isCurrent = false

        private mutating func put(_ object: JSONValue) {
            let name = object.name
            guard seen[name]?.last != object.version else { return }
            if objects[name] == nil { arrivals[name] = events }
            objects[name] = object
            seen[name, default: []].append(object.version)
            // A reading is compared within seconds; nobody needs more.
            if seen[name]?.count ?? 0 > 64 { seen[name]?.removeFirst() }
        }

        private mutating func remove(_ name: String) {
            (objects[name], arrivals[name], seen[name], goings[name]) = (nil, nil, nil, events)
        }

        mutating func take(_ event: WatchEvent) {
            events += 1
            switch event {
            case .listed(let items):
                let names = Set(items.map(\.name))
                for name in objects.keys where !names.contains(name) { remove(name) }
                for item in items { put(item) }
                isCurrent = true
            case .changed(let object): put(object)
            case .deleted(let object): remove(object.name)
            case .interrupted: isCurrent = false
            case .resumed: isCurrent = true
            }
        }
    }

    private let state: Locked<State>
    private let task: Task<Void, Never>

    /// Begins to read a watch. Where it may not be had, the mirror never is current.
    init(_ events: AsyncThrowingStream<WatchEvent, any Error>) {
        let state = Locked(State())
        self.state = state
        task = Task {
            do {
                for try await event in events { state.withLock { $0.take(event) } }
            } catch {}  // Whatever it is: the objects are asked for one by one then.
            state.withLock { $0.isCurrent = false }
        }
    }

    deinit { task.cancel() }

    /// How many events have come.
    var events: Int { state.withLock { $0.events } }

    /// All objects, where the watch is current and has caught up with a reading.
    /// - Parameters:
    ///   - reading: The objects that were read.
    ///   - events: How many events had come when the reading began.
    func objects(caughtUpWith reading: [JSONValue], since events: Int) -> [JSONValue]? {
        state.withLock { state in
            guard state.isCurrent else { return nil }
            let names = Set(reading.map(\.name))
            let hasAll = reading.allSatisfy { object in
                // One that is missing has gone since, or the watch has not come to it yet.
                guard state.objects[object.name] != nil else { return state.goings[object.name] ?? 0 > events }
                return state.seen[object.name]?.contains(object.version) ?? false
            }
            let hasNothingOld = state.arrivals.allSatisfy { names.contains($0.key) || $0.value > events }
            return hasAll && hasNothingOld ? Array(state.objects.values) : nil
        }
    }
}

extension JSONValue {
    fileprivate var name: String { self["metadata"]?["name"]?.string ?? "" }
    fileprivate var version: String { self["metadata"]?["resourceVersion"]?.string ?? "" }
}
