internal import BelayPlatform
internal import Foundation
internal import Glibc

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

    /// One HTTP/1.0 request and its whole answer.
    static func get(port: Int, path: String) -> String? {
        guard let file = connect(port: port, timeout: 5) else { return nil }
        defer { close(file) }
        guard send(file, "GET \(path) HTTP/1.0\r\nHost: localhost\r\n\r\n") else { return nil }
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = recv(file, &buffer, buffer.count, 0)
            guard count > 0 else { return String(decoding: answer, as: UTF8.self) }
            answer += buffer[..<count]
        }
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

    /// Where a socket is bound.
    static func port(of file: Int32) -> Int {
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(file, $0, &size) }
        }
        return Int(in_port_t(bigEndian: address.sin_port))
    }

    private static let given = Locked<Set<Int>>([])

    /// A port for a server that is yet to start: free now, never given twice, and below those that Linux takes for
    /// connections going out, one of which would be there first now and then.
    static func freePort() throws(Failure) -> Int {
        for _ in 0..<1000 {
            let port = Int.random(in: 10_000..<32_768)
            guard given.withLock({ $0.insert(port).inserted }), let file = try? listen(port: port) else { continue }
            close(file)
            return port
        }
        throw Failure(description: "no free port between 10000 and 32767")
    }
}
