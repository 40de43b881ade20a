internal import BelayCore
internal import BelayHTTP
internal import BelayPlatform

/// One watch: list, read, and begin again where it broke off.
struct Watcher: Sendable {
    let client: KubernetesClient
    let path: ResourcePath
    let labels: String?
    let fields: String?
    let tell: @Sendable (WatchEvent) async -> Void

    /// How one reading of the watch ended.
    private enum End {
        /// The server's time-out: nothing has happened.
        case whole
        case expired
        case broken(String)
        /// The server ends the watch with an error of its own.
        case refused(String)
    }

    /// Where the watch is.
    private struct Progress {
        /// nil: everything is to be read anew.
        var revision: String?
        /// In seconds: what the server is asked to end the next reading after.
        var life = Watcher.life
        /// The reader has been told that nothing is known.
        var isInterrupted = false
        /// The server did not take the last credential.
        var isRefused = false
        /// In a row.
        var failures = 0
    }

    /// The server ends a watch after so long, and it is begun anew.
    private static let life = 290
    /// Where no other question shares the connection its silence is only seen by the end that does not come.
    private static let shortLife = 3

    func run() async throws {
        client.probe.begin { [client] in
            try await client.source.sign(client.request("GET", "/version", timeout: .seconds(3)), isRefused: false)
        }
        defer { client.probe.end() }
        var progress = Progress()
        while !Task.isCancelled, !client.watches.isShutDown {
            do {
                if progress.revision == nil {
                    // A server that does not answer is told soon; then it may take its time.
                    let list = try await client.list(
                        path, labels: labels, fields: fields,
                        timeout: progress.isInterrupted ? .seconds(30) : .seconds(4))
                    progress.revision = list.revision
                    await tell(.listed(list.items))
                    progress.isInterrupted = false
                }
                let began = ContinuousClock.now
                switch try await read(&progress) {
                case .whole:
                    if began.duration(to: .now) > .seconds(1) {
                        progress.failures = 0
                    } else {
                        progress.failures += 1  // A server that ends every watch at once is not asked without a pause.
                        try await pause(progress.failures)
                    }
                case .expired:
                    await tell(.interrupted("\(path.path()): the server has forgotten what happened in between"))
                    (progress.revision, progress.isInterrupted, progress.failures) = (nil, true, progress.failures + 1)
                    if progress.failures > 1 { try await pause(progress.failures) }
                case .refused(let words):
                    // A revision that the server does not know, for instance after it was set back: all is read anew.
                    progress.revision = nil
                    throw KubernetesError(.server, words)
                case .broken(let words): throw KubernetesError(.unreachable, words)
                }
            } catch let error as KubernetesError {
                if error.kind == .unauthorized, !progress.isRefused, client.source.canChange {
                    progress.isRefused = true
                    continue
                }
                if error.kind == .expired { progress.revision = nil }
                guard [.unreachable, .timeout, .busy, .server, .expired].contains(error.kind) else { throw error }
                if !progress.isInterrupted { await tell(.interrupted(error.message)) }
                (progress.isInterrupted, progress.failures) = (true, progress.failures + 1)
                if progress.failures > 3 { progress.revision = nil }
                if let wait = error.retryAfter {
                    try await Task.sleep(for: wait)
                } else {
                    try await pause(progress.failures)
                }
            }
        }
    }

    /// Longer each time, and not the same for all watches.
    private func pause(_ failures: Int) async throws {
        let most = min(5000, 100 << min(failures, 6))
        try await Task.sleep(for: .milliseconds(Int64.random(in: Int64(most / 2)...Int64(most))))
    }

    private func read(_ progress: inout Progress) async throws -> End {
        var query = [
            ("watch", "1"), ("allowWatchBookmarks", "true"), ("resourceVersion", progress.revision ?? ""),
            ("timeoutSeconds", "\(progress.life)"),
        ]
        if let labels { query.append(("labelSelector", labels)) }
        if let fields { query.append(("fieldSelector", fields)) }
        var request = try await client.source.sign(
            client.request("GET", path.path(), query, timeout: .seconds(4)), isRefused: progress.isRefused)
        request.sharesConnection = true
        let (number, http) = client.watches.take()
        defer { client.watches.giveBack(number) }
        let stream = http.stream(request)
        do {
            let head = try await stream.head(within: .seconds(4))
            guard head.status == 200 else { return try await refused(head, stream) }
            progress.isRefused = false
            let end = try await follow(stream, head.localPort, &progress)
            if client.probe.covers(head.localPort) { progress.life = Self.life }
            return end
        } catch let error as HTTPError {
            // One answer that is late says nothing about the others, unless nothing else comes over there either.
            if error.kind == .timeout, !client.probe.isAnswered { client.watches.end(number) }
            throw client.failure(error, "GET", path.path())
        } catch is CancellationError where !Task.isCancelled {
            return .broken("\(path.path()): the server has fallen silent")
        }
    }

    private func follow(_ stream: HTTPStream, _ port: Int, _ progress: inout Progress) async throws -> End {
        var lines = LineReader()
        let began = ContinuousClock.now
        // A watch is over a little after its time at the latest.
        let end = began + .seconds(progress.life == Self.shortLife ? progress.life + 1 : progress.life + 10)
        while true {
            switch try await stream.next(within: .seconds(1)) {
            case .bytes(let bytes):
                for line in try lines.add(bytes) {
                    if let end = try await take(line, &progress) { return end }
                }
            case .end:
                await resume(&progress)
                return lines.isEmpty ? .whole : .broken("the watch ended in the middle of an event")
            case .nothing: await resume(&progress)
            }
            if ContinuousClock.now > end { return .broken("\(path.path()): the server has fallen silent") }
            if progress.life != Self.shortLife, began.duration(to: .now) > .seconds(2), !client.probe.covers(port) {
                // HTTP/1.1, or more watches than one connection has room for.
                progress.life = Self.shortLife
                return .whole
            }
        }
    }

    /// The watch stands again: the server has not said that it forgot where it was.
    private func resume(_ progress: inout Progress) async {
        if progress.isInterrupted { await tell(.resumed) }
        progress.isInterrupted = false
    }

    private func take(_ line: [UInt8], _ progress: inout Progress) async throws -> End? {
        let line = try WatchLine(line)
        switch line {
        case .expired, .failed: break
        case .changed, .deleted, .bookmark, .unknown: await resume(&progress)
        }
        switch line {
        case .changed(let object, let at):
            await tell(.changed(object))
            progress.revision = at ?? progress.revision
        case .deleted(let object, let at):
            await tell(.deleted(object))
            progress.revision = at ?? progress.revision
        case .bookmark(let at): progress.revision = at ?? progress.revision
        case .expired: return .expired
        case .failed(let words): return .refused(words)
        case .unknown: break
        }
        return nil
    }

    private func refused(_ head: HTTPResponse, _ stream: HTTPStream) async throws -> End {
        var bytes: [UInt8] = []
        while bytes.count < 1 << 20, case .bytes(let more) = try await stream.next(within: .seconds(5)) {
            bytes += more
        }
        let asked = "GET \(client.access.server)\(path.path()) (watch)"
        throw client.refusal(head, try? JSONText.parse(bytes), asked)
    }
}
