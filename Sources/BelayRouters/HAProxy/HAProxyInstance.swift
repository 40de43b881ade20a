internal import BelayCore

/// One HAProxy process and the exchanges with it.
struct HAProxyInstance: Sendable {
    /// A write that is ready to take effect.
    enum Prepared: Sendable {
        /// A version of the map, and the connection on which it was prepared. Versions begin anew in each HAProxy
        /// process, so the commit has to reach the process that prepared it.
        case version(Int, HAProxySocket.Session)
        /// The map has other keys, which a commit would take away. So nothing is prepared, and the value is set
        /// directly.
        case shared(value: Int)
    }

    let target: HAProxyTraffic
    let socket: HAProxySocket

    func state() async -> Result<HAProxyLine.State, HAProxySocket.Failure> {
        await attempt { () throws(HAProxySocket.Failure) in try await socket.state(of: target) }
    }

    func prepare(_ value: Int) async -> Result<Prepared, HAProxySocket.Failure> {
        await attempt { () throws(HAProxySocket.Failure) in
            if try await isShared() { return .shared(value: value) }
            let session = try await socket.open()
            return .version(try await prepare(value, on: session), session)
        }
    }

    /// - Parameter prepared: What `prepare` returned; a failure is passed on.
    func commit(_ prepared: Result<Prepared, HAProxySocket.Failure>) async -> Result<Bool, HAProxySocket.Failure> {
        await attempt { () throws(HAProxySocket.Failure) in
            switch try prepared.get() {
            case .version(let version, let session): try await commit(version, on: session)
            case .shared(let value): try await setOrAdd(value)
            }
            return true
        }
    }

    /// Servers of a backend, and whether each can serve.
    func servers(of backend: String) async -> Result<[HAProxyServer], HAProxySocket.Failure> {
        await attempt { () throws(HAProxySocket.Failure) in
            HAProxyServer.all(try await socket.send("show stat"), of: backend)
        }
    }

    /// The way back on one instance: the value at once, then a commit that fences a late writer out.
    /// - Returns: Whether the map is shared, so that nothing could be fenced.
    func setAtOnce(_ value: Int) async -> Result<Bool, HAProxySocket.Failure> {
        await attempt { () throws(HAProxySocket.Failure) in
            try await setOrAdd(value)
            if try await isShared() { return true }
            try await commitOwn(value)
            return false
        }
    }

    /// Commits the present value once more, so that the commit of a late writer is refused.
    /// - Returns: Whether the map is shared, so that nothing could be fenced.
    func fence() async -> Result<Bool, HAProxySocket.Failure> {
        await attempt { () throws(HAProxySocket.Failure) in
            if try await isShared() { return true }
            guard let value = try await socket.state(of: target).value.flatMap({ Int($0) }) else { return false }
            try await commitOwn(value)
            return false
        }
    }

    /// Waits until the backend has no sessions, for `bound` at most, then cuts those that are left. Only an admin
    /// socket may cut; with another one nothing is waited for, since waiting would change nothing.
    func drain(backend: String, within bound: Duration) async -> Result<Bool, HAProxySocket.Failure> {
        await attempt { () throws(HAProxySocket.Failure) in
            guard try await mayCut(backend) else { return false }
            let end = ContinuousClock.now + bound
            while ContinuousClock.now < end, !Task.isCancelled {
                let busy = HAProxyServer.all(try await socket.send("show stat"), of: backend).filter {
                    !$0.isSum && $0.sessions > 0
                }
                if busy.isEmpty { return true }
                try? await Task.sleep(for: .milliseconds(50))  // Cancelled: the loop's condition ends it.
            }
            if Task.isCancelled { return false }
            for server in HAProxyServer.all(try await socket.send("show stat"), of: backend)
            where !server.isSum && server.sessions > 0 {
                try await order("shutdown sessions server \(backend)/\(server.name)", "shutdown sessions")
            }
            return true
        }
    }

    /// Whether this socket may cut sessions. No server can have the name `-`, so the question changes nothing.
    private func mayCut(_ backend: String) async throws(HAProxySocket.Failure) -> Bool {
        let answer = try await socket.send("shutdown sessions server \(backend)/-")
        return answer.contains("No such server")
    }

    private func commitOwn(_ value: Int) async throws(HAProxySocket.Failure) {
        let session = try await socket.open()
        try await commit(try await prepare(value, on: session), on: session)
    }

    private func prepare(_ value: Int, on session: HAProxySocket.Session) async throws(HAProxySocket.Failure) -> Int {
        let answer = try await session.send(HAProxyLine.prepare(target))
        guard let version = HAProxyLine.version(answer) else { throw complaint("prepare map", answer) }
        let added = try await session.send(HAProxyLine.add(target, value, version: version))
        if HAProxyLine.complaint(added) != nil { throw complaint("add map @\(version)", added) }
        return version
    }

    private func commit(_ version: Int, on session: HAProxySocket.Session) async throws(HAProxySocket.Failure) {
        let answer = try await session.send(HAProxyLine.commit(target, version: version))
        if HAProxyLine.complaint(answer) != nil { throw complaint("commit map @\(version)", answer) }
    }

    /// Sets our key. `set map` changes only a key that exists; `add map` for such a key would add a second line, which
    /// never counts.
    private func setOrAdd(_ value: Int) async throws(HAProxySocket.Failure) {
        let answer = try await socket.send(HAProxyLine.set(target, value))
        if answer.contains("entry not found") {
            try await order(HAProxyLine.add(target, value), "add map")
        } else if HAProxyLine.complaint(answer) != nil {
            throw complaint("set map", answer)
        }
    }

    private func isShared() async throws(HAProxySocket.Failure) -> Bool {
        HAProxyLine.keys(try await socket.send(HAProxyLine.show(target))).contains { $0 != target.key }
    }

    private func order(_ line: String, _ name: String) async throws(HAProxySocket.Failure) {
        let answer = try await socket.send(line)
        if HAProxyLine.complaint(answer) != nil { throw complaint(name, answer) }
    }

    private func complaint(_ command: String, _ answer: String) -> HAProxySocket.Failure {
        .init(message: "\(socket.path): \(command): \(HAProxyLine.complaint(answer)?.prefix(200) ?? "an empty answer")")
    }

    private func attempt<Value>(
        _ body: () async throws(HAProxySocket.Failure) -> Value
    ) async -> Result<Value, HAProxySocket.Failure> {
        do throws(HAProxySocket.Failure) {
            return .success(try await body())
        } catch {
            return .failure(error)
        }
    }
}
