/// A named half of a router and the backend that serves it.
package struct Side: Hashable, Sendable {
    package let name: String
    package let backend: String

    package init(name: String, backend: String) {
        self.name = name
        self.backend = backend
    }
}

extension Side {
    package var json: JSONValue { .members(["name": .string(name), "backend": .string(backend)]) }

    package init(json: JSONValue?) throws(Unreadable) {
        self.init(name: try need(json?["name"]?.string), backend: try need(json?["backend"]?.string))
    }
}
