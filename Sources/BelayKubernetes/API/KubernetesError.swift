package import BelayCore

/// Why the API did not do what it was asked. No secret is in its words.
package struct KubernetesError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of failure that are treated differently.
    package enum Kind: Equatable, Sendable {
        /// The kubeconfig, a certificate or a plugin: nothing was asked yet.
        case configuration
        /// Nobody answered, or a connection broke.
        case unreachable
        case timeout
        /// Who answered is no API server: a proxy's page.
        case foreign
        case unauthorized
        case forbidden
        case notFound
        /// Somebody else has changed the object meanwhile.
        case conflict
        /// There is an object of that name already.
        case exists
        /// A `test` of a JSON patch does not hold, or its place is missing; the server tells neither apart.
        case testFailed
        /// The server does not take the object.
        case invalid
        /// The revision is older than what the server remembers.
        case expired
        /// The server has too much to do.
        case busy
        /// Any other refusal.
        case server
    }

    package let kind: Kind
    /// What went wrong, where, and what was asked: `GET https://10.0.0.1:6443/…/deployments/cart: …`.
    package let message: String
    /// The fields that the server names, with its words.
    package var causes: [String] = []
    /// What the server asks to wait before the next try; nil where it does not say.
    package var retryAfter: Duration?
    /// The server refused before it did anything, so that the same request may be sent again.
    package var isUntouched = false

    package var description: String { message }

    /// Nothing is known of the cluster: it did not answer, or somebody else did. Whatever else was said is about what was asked.
    package var isAway: Bool { [.unreachable, .timeout, .busy, .server, .foreign].contains(kind) }

    init(_ kind: Kind, _ message: String) { (self.kind, self.message) = (kind, message) }

    /// What a `Status` says.
    package init(status code: Int, _ body: JSONValue?, _ asked: String, retryAfter: Duration?) {
        let reason = body?["reason"]?.string ?? ""
        let words = body?["message"]?.string ?? "status \(code)"
        let causes = (body?["details"]?["causes"]?.array ?? []).map { cause in
            let field = cause["field"]?.string.map { "\($0): " } ?? ""
            return field + (cause["message"]?.string ?? "")
        }
        switch (code, reason) {
        case (401, _): kind = .unauthorized
        case (403, _): kind = .forbidden
        case (404, _): kind = .notFound
        case (409, "AlreadyExists"): kind = .exists
        case (409, _): kind = .conflict
        case (410, _): kind = .expired
        case (422, _):
            let isEmpty = causes.isEmpty && (body?["details"] == nil || body?["details"] == .object([]))
            kind = isEmpty ? .testFailed : .invalid
        case (400, _), (413, _), (415, _): kind = .invalid
        case (429, _): kind = .busy
        case (500, _), (502, _), (503, _), (504, _): kind = .server
        default: kind = .invalid
        }
        message = "\(asked): \(words.prefix(2000))"
        self.causes = causes
        self.retryAfter = retryAfter
        // https://kubernetes.io/docs/reference/using-api/api-concepts: 429 and a 503 that names a time were not begun.
        isUntouched = code == 429 || code == 503 && retryAfter != nil
    }
}
