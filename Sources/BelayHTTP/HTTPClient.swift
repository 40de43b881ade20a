/// One libcurl client: connections are pooled and shared by all requests made through it.
package struct HTTPClient: Sendable {
    private let loop = CurlLoop()

    package init() {}

    /// - Throws: ``HTTPError`` where no answer came; `CancellationError` where the task was cancelled. A status of any
    ///   kind is an answer.
    package func execute(_ request: HTTPRequest) async throws -> HTTPResponse { try await loop.execute(request) }

    /// Asks for an answer that is read as it comes. It lasts until its end, or until ``HTTPStream`` is given up.
    package func stream(_ request: HTTPRequest) -> HTTPStream { loop.stream(request) }

    /// Ends the loop's thread; requests under way end with `CancellationError`.
    package func shutdown() { loop.send(.stop) }
}
