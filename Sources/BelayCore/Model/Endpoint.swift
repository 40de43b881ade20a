/// A server and how it is reached. Secrets stay references (`env:NAME`, `file:PATH`; inside a text `{{env:NAME}}`) and are
/// resolved when used.
package struct Endpoint: Hashable, Sendable {
    package var address: String
    package var timeout: Duration = .seconds(5)
    package var headers: [Header] = []
    package var bearer: String?
    package var basicUser: String?
    package var basicPassword: String?
    /// Paths of PEM files.
    package var authority: String?
    package var certificate: String?
    package var key: String?
    /// The server's certificate is not checked, as with Argo's `insecure`.
    package var isInsecure = false
    /// Warnings that contain one of these texts do not make an answer incomplete.
    package var ignoredWarnings: [String] = []
    /// Requests under way at once; further ones wait their turn.
    package var maxInFlight = 8

    package init(address: String) { self.address = address }
}
