/// An answer that is read as it comes, by one task. Whoever gives it up ends it.
package final class HTTPStream: Sendable {
    /// What there was to read.
    package enum Reading: Sendable {
        /// As many as had come.
        case bytes([UInt8])
        /// The answer is over.
        case end
        /// Nothing came in time; the answer goes on.
        case nothing
    }

    private let sink: StreamSink
    private let giveUp: @Sendable () -> Void

    init(_ sink: StreamSink, cancel: @escaping @Sendable () -> Void) { (self.sink, giveUp) = (sink, cancel) }

    deinit { giveUp() }

    /// Status and headers, with an empty body.
    /// - Throws: ``HTTPError`` where no answer came, `.timeout` where none came in time; `CancellationError` where the task was
    ///   cancelled or the client shut down.
    package func head(within limit: Duration) async throws -> HTTPResponse {
        let head = try await withTaskCancellationHandler {
            try await sink.head(within: limit)
        } onCancel: {
            giveUp()
        }
        guard let head else { throw HTTPError(kind: .timeout, message: "no answer within \(limit)") }
        return head
    }

    /// What comes next of the body.
    /// - Throws: ``HTTPError`` where the connection broke; `CancellationError` as for ``head(within:)``.
    package func next(within limit: Duration) async throws -> Reading {
        try await withTaskCancellationHandler {
            try await sink.next(within: limit)
        } onCancel: {
            giveUp()
        }
    }
}
