/// What a server answered, whatever its status.
package struct HTTPResponse: Sendable {
    package let status: Int
    package let body: [UInt8]
    package let retryAfter: String?
    /// The `Warning` headers, one each.
    package var warnings: [String] = []
    /// Of the body, as the server says; empty where it does not.
    package var contentType = ""
    /// This end of the connection that it came over: answers with the same one came over one connection.
    package var localPort = 0
}
