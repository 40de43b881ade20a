/// A request whose answer is JSON.
package struct WebQuery: Hashable, Sendable {
    /// HTTP's method.
    package enum Method: String, Hashable, Sendable, CaseIterable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
    }

    /// What is sent with the request.
    package enum Body: Hashable, Sendable {
        case text(String)
        case json(JSONValue)
    }

    /// Its address is the whole URL.
    package var server: Endpoint
    package var method = Method.get
    package var body: Body?
    /// Which part of the answer is the result.
    package var path = JSONPath.root

    package init(server: Endpoint) { self.server = server }
}
