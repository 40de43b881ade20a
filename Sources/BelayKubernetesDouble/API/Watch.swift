package import BelayCore
internal import BelayPlatform

/// One watch: the events that it has still to send, and who is told of new ones.
package final class Watch: Sendable {
    private struct State {
        var events: [JSONValue] = []
        var isOver = false
        var listener: (@Sendable () -> Void)?
    }

    let type: ResourceType
    let namespace: String?
    let selector: Selector
    let wantsBookmarks: Bool
    /// By the cluster's clock.
    let deadline: Timestamp
    private let state = Locked(State())

    init(_ type: ResourceType, _ namespace: String?, _ selector: Selector, wantsBookmarks: Bool, deadline: Timestamp) {
        (self.type, self.namespace, self.selector) = (type, namespace, selector)
        (self.wantsBookmarks, self.deadline) = (wantsBookmarks, deadline)
    }

    /// Takes what is to be sent now.
    /// - Returns: The events, and whether nothing follows.
    package func take() -> (events: [JSONValue], isOver: Bool) {
        state.withLock { state in
            defer { state.events = [] }
            return (state.events, state.isOver)
        }
    }

    /// Who is to be told when there is something to take. It is called with the cluster's lock held and must not wait.
    package func listen(_ listener: @escaping @Sendable () -> Void) {
        state.withLock { $0.listener = listener }
        listener()
    }

    /// The client is gone.
    package func close() { state.withLock { ($0.isOver, $0.listener, $0.events) = (true, nil, []) } }

    var isOver: Bool { state.withLock { $0.isOver } }

    func send(_ kind: String, _ object: JSONValue) {
        tell { $0.events.append(.members(["type": .string(kind), "object": object])) }
    }

    func end() { tell { $0.isOver = true } }

    private func tell(_ change: (inout State) -> Void) {
        let listener = state.withLock { state -> (@Sendable () -> Void)? in
            guard !state.isOver else { return nil }
            change(&state)
            return state.listener
        }
        listener?()
    }

    /// A change of an object, as this watch sees it: what leaves its selection is deleted for it.
    func note(_ change: ObjectStore.Change) {
        guard change.type.key == type.key, namespace == nil || namespace == change.object.text("metadata", "namespace")
        else { return }
        let was = change.previous.map(selector.matches) ?? false
        let isNow = change.kind != .deleted && selector.matches(change.object)
        let shown = type.shown(change.object)
        switch (was, isNow) {
        case (false, false): return
        case (false, true): send("ADDED", shown)
        case (true, true): send("MODIFIED", shown)
        case (true, false): send("DELETED", shown)
        }
    }
}
