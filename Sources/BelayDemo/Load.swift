internal import BelayPlatform
package import Foundation
internal import Glibc

/// A bounded load on a loopback port: a few keep-alive connections at a steady rate, every answer kept.
package final class Load: Sendable {
    /// One answer.
    package struct Sample: Sendable {
        /// Milliseconds since 1970.
        package let at: Int64
        /// nil where no answer came.
        package let status: Int?
        package let version: String
    }

    private struct State {
        var samples: [Sample] = []
        var isStopped = false
        var running = 0
        var lastError = ""
    }

    private let state: Locked<State>

    /// - Parameters:
    ///   - perSecond: Requests of all connections together.
    ///   - life: The longest it goes on.
    package init(port: Int, connections: Int = 8, perSecond: Int, life: TimeInterval) {
        state = Locked(State())
        state.withLock { $0.running = connections }
        let end = Date().addingTimeInterval(life)
        for index in 0..<connections {
            Thread.detachNewThread { [self] in
                run(
                    port: port, pause: Double(connections) / Double(perSecond),
                    offset: Double(index) / Double(perSecond), until: end)
            }
        }
    }

    /// Sends nothing more; answers on their way are lost.
    package func stop() { state.withLock { $0.isStopped = true } }
    package var samples: [Sample] { state.withLock { $0.samples } }
    package var failed: [Sample] { samples.filter { $0.status == nil } }
    package var isRunning: Bool { state.withLock { $0.running > 0 } }
    package var lastError: String { state.withLock { $0.lastError } }

    private func run(port: Int, pause: Double, offset: Double, until end: Date) {
        var connection: Int32?
        var next = Date().addingTimeInterval(offset)
        while Date() < end, !state.withLock({ $0.isStopped }) {
            let wait = next.timeIntervalSinceNow
            if wait > 0 { usleep(UInt32(wait * 1_000_000)) }
            next = max(next.addingTimeInterval(pause), Date().addingTimeInterval(-pause))
            let at = Int64(Date().timeIntervalSince1970 * 1000)
            if connection == nil { connection = Loopback.connect(port: port, timeout: 10) }
            let (answer, error) = connection.map(ask) ?? (nil, "connect")
            if answer == nil || answer!.closes, let open = connection {
                close(open)
                connection = nil
            }
            state.withLock { state in
                state.samples.append(Sample(at: at, status: answer?.status, version: answer?.version ?? ""))
                if answer == nil { state.lastError = error }
            }
        }
        if let connection { close(connection) }
        state.withLock { $0.running -= 1 }
    }

    private func ask(_ connection: Int32) -> ((status: Int, version: String, closes: Bool)?, String) {
        guard Loopback.send(connection, "GET / HTTP/1.1\r\nHost: demo\r\n\r\n") else { return (nil, "send") }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 8 << 10)
        var length: Int?
        var head: [Substring] = []
        while true {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return (nil, "recv \(count) errno \(errno) after \(bytes.count) bytes") }
            bytes += buffer[..<count]
            if length == nil, let end = Loopback.headEnd(bytes) {
                head = String(decoding: bytes[..<end], as: UTF8.self).split(whereSeparator: \.isNewline)
                length = end + (Int(Self.header("content-length", head) ?? "0") ?? 0)
            }
            if let length, bytes.count >= length { break }
        }
        let status = head.first.flatMap { Int($0.split(separator: " ").dropFirst().first ?? "") } ?? 0
        let closes = Self.header("connection", head)?.lowercased() == "close"
        return ((status, Self.header("x-version", head) ?? "", closes), "")
    }

    private static func header(_ name: String, _ head: [Substring]) -> String? {
        for line in head.dropFirst() {
            guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name else { continue }
            return line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        return nil
    }
}
