package import BelayCore

/// What the double answers.
package struct APIResponse: Sendable {
    /// The body, or what will be one.
    package enum Body: Sendable {
        case json(JSONValue)
        case text(String)
        /// Events follow as they happen, until the watch is over.
        case watch(Watch)
    }

    package let status: Int
    /// Without `Content-Type` and length.
    package var headers: [(String, String)] = []
    package let body: Body

    /// Words for people about what was asked, each in a `Warning` header of its own.
    mutating func warn(_ words: String) { headers.append(("Warning", "299 - \"\(words)\"")) }

    static func json(_ status: Int, _ value: JSONValue) -> APIResponse {
        APIResponse(status: status, body: .json(value))
    }
    static func failure(_ error: APIError) -> APIResponse { .json(error.code, error.status) }
    static let unknownPath = APIResponse(status: 404, body: .text("404 page not found\n"))
}
