/// One libcurl client: connections are pooled and shared by all requests made through it.
package struct HTTPClient: Sendable {
    private let loop = CurlLoop()

    package init() {}

    /// - Throws: ``HTTPError`` where no answer came; `CancellationError` where the task was cancelled. A status of any
    ///   kind is an answer.
    package func execute(_ request: HTTPRequest) async throws -> HTTPResponse { try await loop.execute(request) }

    /// Ends the loop's thread; requests under way end with `CancellationError`.
    package func shutdown() { loop.send(.stop) }
}

package struct HTTPRequest: Sendable {
    package var url: String
    package var method = "GET"
    /// `Name: value`, one line each.
    package var headers: [String] = []
    package var body: [UInt8]?
    package var unixSocket: String?
    /// Covers everything: resolving, connecting, the handshake, the answer.
    package var timeout: Duration = .seconds(5)
    /// A longer answer ends in an error.
    package var maximumBytes = 16 << 20
    /// PEM.
    package var certificate: [UInt8]?
    package var key: [UInt8]?
    package var authority: [UInt8]?
    /// Neither the server's certificate nor its name is checked.
    package var isInsecure = false

    package init(url: String) { self.url = url }
}

package struct HTTPResponse: Sendable {
    package let status: Int
    package let body: [UInt8]
    package let retryAfter: String?
}

package struct HTTPError: Error, Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        /// Nobody answered: refused, unknown host, reset.
        case transport
        case timeout
        /// More than `maximumBytes`.
        case tooLarge
        /// The request itself: a URL or a certificate that cannot be read.
        case request
    }

    package let kind: Kind
    /// libcurl's words; never a header or a secret.
    package let message: String
}
