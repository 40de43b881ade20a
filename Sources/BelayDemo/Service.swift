internal import Foundation
internal import Glibc
internal import Synchronization

/// A small HTTP service that stands for one version of an application: answers with its name, fails a share of its
/// requests, counts them for Prometheus. It ends by itself.
package final class Service: Sendable {
    private let name: String
    /// Failures in 10,000 requests.
    private let errors: Int
    private let delay: Duration
    private let good = Atomic<Int>(0)
    private let bad = Atomic<Int>(0)

    package init(name: String, errorPercent: Double, delay: Duration = .zero) {
        self.name = name
        errors = Int(errorPercent * 100)
        self.delay = delay
    }

    /// Serves until the process ends, at most for `life`.
    package func serve(port: Int, life: Duration) throws {
        signal(SIGPIPE, SIG_IGN)
        alarm(UInt32(life.components.seconds))
        let listener = try Loopback.listen(port: port)
        while true {
            let connection = accept(listener, nil, nil)
            if connection < 0 { continue }
            Loopback.configure(connection)
            Thread.detachNewThread { [self] in answer(on: connection) }
        }
    }

    private func answer(on connection: Int32) {
        defer { close(connection) }
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        var pending: [UInt8] = []
        while true {
            let count = recv(connection, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            pending += buffer[..<count]
            while let end = Loopback.headEnd(pending) {
                let head = String(decoding: pending[..<end], as: UTF8.self)
                pending.removeFirst(end)
                guard Loopback.send(connection, response(to: head)) else { return }
            }
        }
    }

    private func response(to head: String) -> String {
        if head.hasPrefix("GET /metrics ") { return http(200, metrics) }
        if delay > .zero {
            usleep(
                UInt32(delay.components.attoseconds / 1_000_000_000_000) + UInt32(delay.components.seconds) * 1_000_000)
        }
        let fails = Int.random(in: 0..<10_000) < errors
        if fails {
            bad.wrappingAdd(1, ordering: .relaxed)
            return http(500, "\(name) failed\n")
        }
        good.wrappingAdd(1, ordering: .relaxed)
        return http(200, "\(name)\n")
    }

    private func http(_ status: Int, _ body: String) -> String {
        let head =
            "HTTP/1.1 \(status) \(status == 200 ? "OK" : "Error")\r\nContent-Type: text/plain\r\nX-Version: \(name)\r\n"
        return head + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private var metrics: String {
        """
        # TYPE http_requests_total counter
        http_requests_total{version="\(name)",code="200"} \(good.load(ordering: .relaxed))
        http_requests_total{version="\(name)",code="500"} \(bad.load(ordering: .relaxed))

        """
    }
}
