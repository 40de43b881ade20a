internal import BelayCore
internal import BelayPlatform
internal import CCurl
internal import Glibc

/// A queue under a lock. Once it is closed it takes nothing any more, so that nobody wakes a handle that was freed.
final class LockedInbox<Item: Sendable>: Sendable {
    /// nil once it is closed.
    private let items = Locked<[Item]?>([])

    /// - Parameter wake: Called under the lock.
    func add(_ item: Item, wake: () -> Void) -> Bool {
        items.withLock { items in
            guard items != nil else { return false }
            items?.append(item)
            wake()
            return true
        }
    }

    func takeAll() -> [Item] {
        items.withLock { items in
            defer { if items != nil { items = [] } }
            return items ?? []
        }
    }

    func close() -> [Item] {
        items.withLock { items in
            defer { items = nil }
            return items ?? []
        }
    }
}
