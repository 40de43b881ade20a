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
        "HTTP/1.1 \(status) \(status == 200 ? "OK" : "Error")\r\nContent-Type: text/plain\r\nX-Version: \(name)\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private var metrics: String {
        """
        # TYPE http_requests_total counter
        http_requests_total{version="\(name)",code="200"} \(good.load(ordering: .relaxed))
        http_requests_total{version="\(name)",code="500"} \(bad.load(ordering: .relaxed))

        """
    }
}

/// Blocking sockets on 127.0.0.1.
enum Loopback {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static func address(_ port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        return address
    }

    static func withAddress<Result>(_ port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: address(port)) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }

    static func listen(port: Int) throws(Failure) -> Int32 {
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var on: Int32 = 1
        setsockopt(file, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        guard withAddress(port, { bind(file, $0, $1) }) == 0, Glibc.listen(file, 512) == 0 else {
            close(file)
            throw Failure(description: "port \(port): \(String(cString: strerror(errno)))")
        }
        return file
    }

    static func connect(port: Int, timeout seconds: Int) -> Int32? {
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        configure(file)
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(file, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        guard withAddress(port, { Glibc.connect(file, $0, $1) }) == 0 else {
            close(file)
            return nil
        }
        return file
    }

    static func configure(_ file: Int32) {
        var on: Int32 = 1
        setsockopt(file, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    static func send(_ file: Int32, _ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(file, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// The length of the head with its empty line, once it is there.
    static func headEnd(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for index in 3..<bytes.count
        where bytes[index] == 10 && bytes[index - 1] == 13 && bytes[index - 2] == 10 && bytes[index - 3] == 13 {
            return index + 1
        }
        return nil
    }

    /// A port that is free now.
    static func freePort() throws(Failure) -> Int {
        let file = try listen(port: 0)
        defer { close(file) }
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(file, $0, &size) }
        }
        return Int(in_port_t(bigEndian: address.sin_port))
    }
}
