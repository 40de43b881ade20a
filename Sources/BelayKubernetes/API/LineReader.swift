internal import BelayCore

/// Cuts a stream into lines; an event of a watch is one.
package struct LineReader: Sendable {
    private var rest: [UInt8] = []

    package init() {}

    /// One event is never larger: an object has at most 1.5 MB.
    package static let longest = 16 << 20

    /// Whether the stream so far ended with a whole line.
    package var isEmpty: Bool { rest.isEmpty }

    /// - Returns: The lines that are whole now, without empty ones.
    /// - Throws: ``KubernetesError`` where a line has no end.
    package mutating func add(_ bytes: [UInt8]) throws(KubernetesError) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var start = bytes.startIndex
        for index in bytes.indices where bytes[index] == UInt8(ascii: "\n") {
            let line = rest + bytes[start..<index]
            rest = []
            if !line.isEmpty { lines.append(line) }
            start = index + 1
        }
        rest += bytes[start...]
        guard rest.count <= Self.longest else {
            throw KubernetesError(.foreign, "a watch sent more than \(Self.longest) bytes without the end of a line")
        }
        return lines
    }
}
