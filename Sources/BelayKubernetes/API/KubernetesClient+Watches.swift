internal import BelayCore
internal import BelayHTTP
internal import BelayPlatform

/// Watches that go on whatever happens to their connection.
/// https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
extension KubernetesClient {
    /// Objects as they change, until the task that reads is cancelled. A server that is silent, away or restarted is told as
    /// ``WatchEvent/interrupted(_:)`` within five seconds, and asked again.
    /// - Throws: ``KubernetesError`` where asking again is of no use: no right, no such kind, no credential.
    package func watch(
        _ path: ResourcePath, labels: String? = nil, fields: String? = nil
    ) -> AsyncThrowingStream<WatchEvent, any Error> {
        let queue = WatchQueue()
        let watcher = Watcher(client: self, path: path, labels: labels, fields: fields) { await queue.put($0) }
        let task = Task {
            do {
                try await watcher.run()
                queue.end(.success(()))
            } catch {
                queue.end(.failure(error))
            }
        }
        let reader = Reader {
            task.cancel()
            queue.leave()
        }
        return AsyncThrowingStream {
            try await withTaskCancellationHandler {
                try await queue.next()
            } onCancel: {
                reader.leave()
            }
        }
    }

    /// Ends a watch when nobody can read it any more.
    private final class Reader: Sendable {
        let leave: @Sendable () -> Void

        init(_ leave: @escaping @Sendable () -> Void) { self.leave = leave }

        deinit { leave() }
    }
}
