internal import BelayCore
internal import BelayEngine
internal import BelayPlatform
internal import Glibc

/// HAProxy's runtime API over a unix socket: one connection a line, after which HAProxy closes, or one
/// for several with a prompt after each answer.
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
    fileprivate static let queue = Blocking("belay.haproxy", isConcurrent: true)

    /// The answer to a line of commands divided by `;`.
    /// - Throws: ``Failure`` naming the socket and the call that failed.
    func send(_ line: String) async throws(Failure) -> String {
        let result = await Self.queue.run { [self] in
            Result { () throws(Failure) in try exchange(line) }
        }
        return try result.get()
    }

    /// What the process behind the socket holds. An HAProxy that is ending may close the connection in the middle of
    /// its answer. Such an answer does not count, and does not mean that the key is gone.
    /// - Throws: ``Failure``, also for an answer that was cut off.
    func state(of target: HAProxyTraffic) async throws(Failure) -> HAProxyLine.State {
        let state = HAProxyLine.state(try await send(HAProxyLine.read(target)))
        guard state.isWhole else { throw Failure(message: "\(path): the answer was cut off") }
        return state
    }

    private func exchange(_ line: String) throws(Failure) -> String {
        let connection = try Connection(path)
        return try connection.exchange(line, until: nil, deadline: ContinuousClock.now + Self.deadline)
    }

    /// A connection that stays open, so that what is prepared on it and what is committed reach the same process, whatever
    /// is reloaded in between.
    /// - Throws: ``Failure`` naming the socket and the call that failed.
    func open() async throws(Failure) -> Session {
        let result = await Self.queue.run { [path] in
            Result { () throws(Failure) in
                let connection = try Connection(path)
                // https://docs.haproxy.org/2.6/management.html#9.3-prompt
                _ = try connection.exchange(
                    "prompt", until: Session.prompt, deadline: ContinuousClock.now + Self.deadline)
                return Session(connection)
            }
        }
        return try result.get()
    }

    /// Commands one after the other to one process. Used by one task at a time.
    final class Session: Sendable {
        static let prompt = "\n> "
        private let connection: Connection

        fileprivate init(_ connection: Connection) { self.connection = connection }

        func send(_ line: String) async throws(Failure) -> String {
            let result = await HAProxySocket.queue.run { [connection] in
                Result { () throws(Failure) in
                    try connection.exchange(
                        line, until: Self.prompt, deadline: ContinuousClock.now + HAProxySocket.deadline)
                }
            }
            return try result.get()
        }
    }
}

/// A connected socket; closed when it goes.
private final class Connection: Sendable {
    private typealias Failure = HAProxySocket.Failure

    private let path: String
    private let file: Int32

    init(_ path: String) throws(HAProxySocket.Failure) {
        self.path = path
        file = DescriptorReserve.open {
            socket(
                AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        }
        guard file >= 0 else { throw Self.failure(path, "socket", errno) }
        try connect()
    }

    deinit { close(file) }

    private func connect() throws(HAProxySocket.Failure) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw Self.failure(path, "connect", ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let outcome = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(file, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        let number = errno
        guard outcome == 0 else {
            var failure = Self.failure(path, "connect", number)
            failure.isGone = number == ENOENT || number == ECONNREFUSED
            throw failure
        }
    }

    /// - Parameter mark: The text that ends the answer; nil where the other side closes the connection.
    func exchange(
        _ line: String, until mark: String?, deadline end: ContinuousClock.Instant
    ) throws(HAProxySocket.Failure) -> String {
        try sendAll(Array((line + "\n").utf8), until: end)
        return try receiveAll(mark.map { Array($0.utf8) }, until: end)
    }

    private func sendAll(_ bytes: [UInt8], until end: ContinuousClock.Instant) throws(HAProxySocket.Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(file, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            let number = errno
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if number == EAGAIN {
                try wait(POLLOUT, until: end)
            } else if number != EINTR {
                throw Self.failure(path, "send", number)
            }
        }
    }

    private func receiveAll(
        _ mark: [UInt8]?, until end: ContinuousClock.Instant
    ) throws(HAProxySocket.Failure) -> String {
        var answer: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = recv(file, &buffer, buffer.count, 0)
            let number = errno
            if count > 0 {
                answer += buffer[..<count]
                guard answer.count <= HAProxySocket.answerLimit else {
                    throw Failure(message: "\(path): the answer is larger than 8 MB")
                }
                if let mark, answer.count >= mark.count, answer.suffix(mark.count).elementsEqual(mark) {
                    return String(decoding: answer.dropLast(mark.count), as: UTF8.self)
                }
            } else if count == 0 {
                if mark == nil { return String(decoding: answer, as: UTF8.self) }
                throw Failure(message: "\(path): the connection was closed")
            } else if number == EAGAIN {
                try wait(POLLIN, until: end)
            } else if number != EINTR {
                throw Self.failure(path, "recv", number)
            }
        }
    }

    private func wait(_ events: Int32, until end: ContinuousClock.Instant) throws(HAProxySocket.Failure) {
        let left = ContinuousClock.now.duration(to: end).wholeMilliseconds
        var entry = pollfd(fd: file, events: Int16(events), revents: 0)
        guard left > 0, poll(&entry, 1, Int32(left)) != 0 else {
            throw Failure(message: "\(path): no answer within \(HAProxySocket.deadline.text)")
        }
    }

    private static func failure(_ path: String, _ call: String, _ number: Int32) -> HAProxySocket.Failure {
        HAProxySocket.Failure(message: "\(path): \(call): \(String(cString: strerror(number)))")
    }
}
