internal import Dispatch

/// Runs blocking calls away from the cooperative pool, which has as many threads as there are cores. A call is not
/// cancelled with its task: an append that has begun is finished.
package struct Blocking: Sendable {
    private let queue: DispatchQueue

    /// - Parameter isConcurrent: Whether calls may overlap; a journal's must not, a router's must not wait for another.
    package init(_ label: String, isConcurrent: Bool = false) {
        queue = DispatchQueue(label: label, qos: .userInitiated, attributes: isConcurrent ? .concurrent : [])
    }

    /// Runs the body in its turn; nobody waits for it.
    package func post(_ body: @escaping @Sendable () -> Void) { queue.async(execute: body) }

    /// Runs the body in its turn, and waits for what it returns.
    package func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: body()) }
        }
    }
}
