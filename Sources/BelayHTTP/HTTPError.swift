/// Why there is no answer.
package struct HTTPError: Error, Equatable, Sendable {
    /// The kinds of failure that are treated differently.
    package enum Kind: Equatable, Sendable {
        /// Nobody answered: refused, unknown host, reset.
        case transport
        case timeout
        /// More than `maximumBytes`.
        case tooLarge
        /// The server's certificate is of another authority, for another name or out of date.
        case untrusted
        /// The request itself: a URL or a certificate that cannot be read.
        case request
    }

    package let kind: Kind
    /// libcurl's words; never a header or a secret.
    package let message: String
}
