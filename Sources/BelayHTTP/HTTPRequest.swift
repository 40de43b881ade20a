/// One request.
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
    /// The body goes out once, whatever becomes of the connection: libcurl else sends it again on a new one where a connection
    /// that was used before breaks, and the server may have done what it was asked.
    package var isSentOnce = false
    /// Shares a connection of HTTP/2 that is just being made, where there is one.
    package var sharesConnection = false
    /// The name that the server's certificate has to bear, where it is not the URL's.
    package var serverName: String?
    /// `http://proxy:3128`; nil: as the environment says. A server on this machine is asked without one.
    package var proxy: String?
    /// Neither the server's certificate nor its name is checked.
    package var isInsecure = false

    package init(url: String) { self.url = url }
}
