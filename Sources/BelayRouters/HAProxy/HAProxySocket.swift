internal import BelayCore
internal import BelayEngine
internal import Glibc

/// HAProxy's runtime API over a unix socket: one connection a line; HAProxy answers and closes.
/// Protocol: https://docs.haproxy.org/2.6/management.html#9.3
struct HAProxySocket: Sendable {
    struct Failure: Error, Sendable {
        let message: String
        /// Nobody listens: the process is not there, unlike one that does not answer.
        var isGone = false
    }

    /// One deadline for connecting, sending and the whole answer.
    static let deadline: Duration = .milliseconds(800)
    static let answerLimit = 8 << 20

    let path: String
    /// Concurrent: a hung instance or a slow reading must not hold up the way back.
    private static let queue = Blocking("belay.haproxy", isConcurrent: true)

    /// The answer to a line of commands divided by `;`.
    /// - Throws: ``Failure`` naming the socket and the call that failed.
    func send(_ line: String) async throws(Failure) -> String {
        let result = await Self.queue.run { [self] in
            Result { () throws(Failure) in try exchange(line) }
        }
        return try result.get()
    }

    private func exchange(_ line: String) throws(Failure) -> String {
        let end = ContinuousClock.now + Self.deadline
        let file = socket(
            AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard file >= 0 else { throw failure("socket", errno) }
        defer { close(file) }
        try connect(file)
        try sendAll(Array((line + "\n").utf8), file, until: end)
        return try receiveAll(file, until: end)
    }

    private func connect(_ file: Int32) throws(Failure) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { throw failure("connect", ENAMETOOLONG) }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let outcome = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(file, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard outcome == 0 else {
            var failure = failure("connect", errno)
            failure.isGone = errno == ENOENT || errno == ECONNREFUSED
            throw failure
        }
    }

    private func sendAll(_ bytes: [UInt8], _ file: Int32, until end: ContinuousClock.Instant) throws(Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(file, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                try wait(file, POLLOUT, until: end)
            } else if errno != EINTR {
                throw failure("send", errno)
            }
        }
    }

    private func receiveAll(_ file: Int32, until end: ContinuousClock.Instant) throws(Failure) -> String {
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = recv(file, &buffer, buffer.count, 0)
            if count == 0 { return String(decoding: answer, as: UTF8.self) }
            if count > 0 {
                answer += buffer[..<count]
                guard answer.count <= Self.answerLimit else {
                    throw Failure(message: "\(path): the answer is larger than 8 MB")
                }
            } else if errno == EAGAIN {
                try wait(file, POLLIN, until: end)
            } else if errno != EINTR {
                throw failure("recv", errno)
            }
        }
    }

    private func wait(_ file: Int32, _ events: Int32, until end: ContinuousClock.Instant) throws(Failure) {
        let left = ContinuousClock.now.duration(to: end).wholeMilliseconds
        var entry = pollfd(fd: file, events: Int16(events), revents: 0)
        guard left > 0, poll(&entry, 1, Int32(left)) != 0 else {
            throw Failure(message: "\(path): no answer within \(Self.deadline.text)")
        }
    }

    private func failure(_ call: String, _ number: Int32) -> Failure {
        Failure(message: "\(path): \(call): \(String(cString: strerror(number)))")
    }
}
