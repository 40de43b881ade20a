internal import Dispatch

/// Runs blocking calls away from the cooperative pool, which has as many threads as there are cores. Not cancelled with
/// its task: an append that has begun ends.
package struct Blocking: Sendable {
    private let queue: DispatchQueue

    /// - Parameter isConcurrent: Whether calls may overlap; a journal's must not, a router's must not wait for another.
    package init(_ label: String, isConcurrent: Bool = false) {
        queue = DispatchQueue(label: label, qos: .userInitiated, attributes: isConcurrent ? .concurrent : [])
    }

    /// In its turn, with nobody waiting for it.
    package func post(_ body: @escaping @Sendable () -> Void) { queue.async(execute: body) }

    package func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            queue.async { continuation.resume(returning: body()) }
        }
    }
}
