internal import BelayCore
internal import BelayPlatform

/// One request as it came over the wire.
package struct APIRequest: Sendable {
    /// `GET`, `POST` and so on.
    package let method: String
    /// Without the query, percent signs resolved.
    package let path: [String]
    /// In the order of the URL, percent signs resolved.
    package let query: [(name: String, value: String)]
    /// By their names in lower case.
    package let headers: [String: String]
    package let body: [UInt8]

    /// - Parameters:
    ///   - target: The path with its query, as in the request line.
    ///   - headers: Names in any case.
    package init(method: String, target: String, headers: [(String, String)] = [], body: [UInt8] = []) {
        self.method = method
        self.body = body
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = parts[0].split(separator: "/").map(Self.decoded)
        query =
            parts.count < 2
            ? []
            : parts[1].split(separator: "&").map { pair in
                let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                return (Self.decoded(halves[0]), halves.count > 1 ? Self.decoded(halves[1]) : "")
            }
        self.headers = Dictionary(headers.map { ($0.0.lowercased(), $0.1) }) { first, _ in first }
    }

    /// The value of a query parameter; nil where it is missing or empty.
    package func parameter(_ name: String) -> String? {
        query.first { $0.name == name }.flatMap { $0.value.isEmpty ? nil : $0.value }
    }

    func isSet(_ name: String) -> Bool { ["1", "true"].contains(parameter(name) ?? "") }

    /// Without its parameters.
    var contentType: String {
        String((headers["content-type"] ?? "").prefix { $0 != ";" }).lowercased()
    }

    /// Who writes, for `managedFields`: the parameter, else the client's program.
    var fieldManager: String {
        parameter("fieldManager") ?? String((headers["user-agent"] ?? "unknown").prefix { $0 != "/" })
    }

    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
