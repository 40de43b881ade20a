import BelayCore
import BelayDemo
import BelayEngine
import BelayPlatform
import Foundation
import Testing

@testable import BelayHTTP
@testable import BelayMetrics

@Suite("Providers")
struct ProviderTests {
    private static let ok = #"{"status":"success","data":{"resultType":"scalar","result":[1,"7"]}}"#

    private static func http(_ body: String, status: String = "200 OK", more: String = "") -> String {
        "HTTP/1.1 \(status)\r\n\(more)Connection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private static func moment(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: milliseconds) }

    private static func answer(
        _ source: MetricSource, environment: [String: String] = [:]
    ) async -> MetricAnswer {
        let client = HTTPClient()
        defer { client.shutdown() }
        let provider = MetricProviders(client: client, environment: environment)
        return await provider.measure(Metric(name: "m", source: source), at: moment(1)).answer
    }

    private static func isNoData(_ answer: MetricAnswer) -> Bool {
        if case .noData = answer { true } else { false }
    }

    private static func complaint(_ answer: MetricAnswer) -> String {
        switch answer {
        case .error(let message), .noData(let message): message
        case .scalar, .list, .json: ""
        }
    }

    // MARK: Servers

    @Test func `the same question at the same moment is sent once, another moment or question again`() async throws {
        let port = try CannedPort { _ in Self.http(Self.ok) }
        let client = HTTPClient()
        defer { client.shutdown() }
        let provider = MetricProviders(client: client, environment: [:])
        func ask(_ text: String, _ milliseconds: Int64) async -> MetricAnswer {
            let metric = Metric(name: "m", query: .init(address: "http://127.0.0.1:\(port.number)", query: text))
            return await provider.measure(metric, at: Self.moment(milliseconds)).answer
        }
        async let first = ask("up", 5)
        async let second = ask("up", 5)
        #expect(await [first, second] == [.scalar(7), .scalar(7)])
        #expect(await ask("up", 5) == .scalar(7))
        #expect(port.requests.count == 1)
        _ = await ask("down", 5)
        _ = await ask("up", 6)
        #expect(port.requests.count == 3)
        #expect(port.requests[0].contains("partial_response=false"))
    }

    @Test func `so many requests are under way at once as the server may have, and all are answered`() async throws {
        let (running, most) = (Locked(0), Locked(0))
        let port = try CannedPort { _ in
            let now = running.withLock {
                $0 += 1
                return $0
            }
            most.withLock { $0 = max($0, now) }
            Thread.sleep(forTimeInterval: 0.02)
            running.withLock { $0 -= 1 }
            return Self.http(Self.ok)
        }
        let client = HTTPClient()
        defer { client.shutdown() }
        let provider = MetricProviders(client: client, environment: [:])
        var server = Endpoint(address: "http://127.0.0.1:\(port.number)")
        server.maxInFlight = 2
        let answers = await withTaskGroup(of: MetricAnswer.self) { group in
            for index in 0..<12 {
                let metric = Metric(name: "m", query: .init(server: server, question: .instant("up + \(index)")))
                group.addTask { await provider.measure(metric, at: Self.moment(1)).answer }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers == [MetricAnswer](repeating: .scalar(7), count: 12))
        #expect(most.withLock { $0 } == 2)
    }

    @Test func `a server that asks to be left alone is asked when it said, and nobody else waits for it`() async throws
    {
        let port = try CannedPort { head in
            head.contains("/sick")
                ? Self.http("", status: "429 Too Many Requests", more: "Retry-After: 1\r\n") : Self.http(Self.ok)
        }
        let client = HTTPClient()
        defer { client.shutdown() }
        let provider = MetricProviders(client: client, environment: [:])
        func ask(_ path: String, _ moment: Int64) async -> MetricAnswer {
            let address = "http://127.0.0.1:\(port.number)\(path)"
            return await provider.measure(
                Metric(name: "m", query: .init(address: address, query: "up")), at: Self.moment(moment)
            ).answer
        }
        let clock = ContinuousClock()
        let before = clock.now
        #expect(Self.isNoData(await ask("/sick", 1)))
        // Behind the same gateway, and not what asked to be left alone.
        #expect(await ask("/well", 2) == .scalar(7))
        #expect(Self.isNoData(await ask("/sick", 3)))
        // The second question is answered a second after the first answer at the soonest, however slow the machine is.
        #expect(clock.now - before >= .seconds(1))
        #expect(port.requests.count == 3)
        // Who gives up waiting is let go.
        let task = Task { await ask("/sick", 4) }
        task.cancel()
        _ = await task.value
    }

    @Test func `Retry-After is a number of seconds or a date`() {
        let now = Date(timeIntervalSince1970: 1_445_412_480)
        #expect(ServerQueue.pause("120", now: now) == .seconds(120))
        #expect(ServerQueue.pause("Wed, 21 Oct 2015 07:28:30 GMT", now: now) == .seconds(30))
        #expect(ServerQueue.pause("Wed, 21 Oct 2015 07:27:00 GMT", now: now) == .zero)
        #expect(ServerQueue.pause("soon", now: now) == nil)
        #expect(ServerQueue.pause(nil, now: now) == nil)
    }

    @Test func `a range is asked up to the server's own present`() async throws {
        let port = try CannedPort { head in
            if head.contains("query=time%28%29") {
                return Self.http(
                    #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"1000.25"]}]}}"#
                )
            }
            return Self.http(
                #"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"11"],[2,"12"]]}]}}"#
            )
        }
        let stretch = PrometheusQuery.Stretch(start: .seconds(300), end: .zero, step: .seconds(60))
        let query = PrometheusQuery(
            server: Endpoint(address: "http://127.0.0.1:\(port.number)"), question: .range("up", stretch))
        #expect(await Self.answer(.prometheus(query)) == .list([11, 12]))
        let sent = try #require(port.requests.last)
        #expect(sent.hasPrefix("POST /api/v1/query_range "))
        #expect(sent.contains("start=700.250&end=1000.250&step=60.0"))
    }

    // MARK: Web

    private static func web(_ port: CannedPort, _ change: (inout WebQuery) -> Void = { _ in }) -> MetricSource {
        var query = WebQuery(server: Endpoint(address: "http://127.0.0.1:\(port.number)/health"))
        change(&query)
        return .web(query)
    }

    @Test func `a web answer is the value at its path`() async throws {
        let port = try CannedPort { _ in Self.http(#"{"data":{"ok":true,"p99":0.25,"items":[1,2,{"name":"x"}]}}"#) }
        for (path, wanted) in [
            ("{$.data.p99}", MetricAnswer.scalar(0.25)), ("$.data.ok", .json(.bool(true), text: "true")),
            ("$.data.items[-1]['name']", .json(.string("x"), text: "\"x\"")), ("data", nil), ("$.data.none", nil),
        ] as [(String, MetricAnswer?)] {
            guard let parsed = try? JSONPath(path) else {
                #expect(wanted == nil)
                continue
            }
            let answer = await Self.answer(Self.web(port) { $0.path = parsed })
            #expect(wanted == nil ? Self.complaint(answer).contains("nothing at") : answer == wanted, "\(path)")
        }
        #expect(throws: JSONPath.Failure.self) { try JSONPath("$.items[*].value") }
        #expect(throws: JSONPath.Failure.self) { try JSONPath("$..value") }
    }

    @Test func `method, body and headers are sent, secrets are filled in when they are used`() async throws {
        let port = try CannedPort { _ in Self.http("1") }
        let source = Self.web(port) {
            $0.method = .post
            $0.body = .json(.object([.init("service", .string("x")), .init("token", .string("{{env:TOKEN}}"))]))
            $0.server.headers = [Header(name: "Authorization", value: "Bearer {{env:TOKEN}}")]
        }
        #expect(await Self.answer(source, environment: ["TOKEN": "s3\"ret"]) == .scalar(1))
        let sent = try #require(port.requests.first)
        #expect(sent.hasPrefix("POST /health HTTP"))
        #expect(sent.contains("Authorization: Bearer s3\"ret\r\n"))
        #expect(sent.hasSuffix(#"{"service":"x","token":"s3\"ret"}"#))
        #expect(Self.complaint(await Self.answer(source)).contains("env:TOKEN: the variable is not set"))
    }

    @Test func `a secret that a server or a command says is not shown`() async throws {
        let port = try CannedPort { _ in Self.http(#"{"message": "no s3cret today"}"#) }
        let echo = Self.web(port) { $0.server.headers = [Header(name: "A", value: "{{env:TOKEN}}")] }
        #expect(await Self.answer(echo, environment: ["TOKEN": "s3cret"]).text == #"{"message":"no ***** today"}"#)
        let loud = Self.command("echo $TOKEN >&2; exit 1") {
            $0.environment = [.init(name: "TOKEN", value: "{{env:T}}")]
        }
        let message = Self.complaint(await Self.answer(loud, environment: ["T": "s3cret"]))
        #expect(message.contains("*****") && !message.contains("s3cret"))
    }

    @Test(
        "a secret that comes back encoded is not shown either",
        arguments: ["czNjcmV0L3RvaytlbiAx", "eHM zY3JldC90b2srZW4gMXk=", "s3cret%2Ftok%2Ben%201", "s3cret\\/tok+en 1"])
    func encodedSecret(encoded: String) async {
        let secrets = SecretReader(environment: [:])
        secrets.remember("s3cret/tok+en 1")
        let shown = secrets.redact("it was \(encoded.replacing(" z", with: "z")) they said")
        #expect(shown.contains("*****"), "\(shown)")
        for part in ["czNjcmV0", "zY3JldC90b2", "s3cret"] { #expect(!shown.contains(part), "\(shown)") }
    }

    @Test func `a web server's 5xx is no data, its 4xx and what is not JSON are errors`() async throws {
        for (status, body, isNoData) in [
            ("503 Down", "", true), ("404 Not Found", "", false), ("200 OK", "<html>", false),
        ] {
            let port = try CannedPort { _ in Self.http(body, status: status) }
            #expect(Self.isNoData(await Self.answer(Self.web(port))) == isNoData, "\(status)")
        }
    }

    // MARK: Commands

    private static func command(_ script: String, _ change: (inout CommandQuery) -> Void = { _ in }) -> MetricSource {
        var query = CommandQuery(arguments: ["/bin/sh", "-c", script])
        change(&query)
        return .command(query)
    }

    @Test func `a command's output or exit status is the result`() async {
        #expect(await Self.answer(Self.command("echo ' 0.5 '")) == .scalar(0.5))
        #expect(
            await Self.answer(Self.command("echo '{\"a\": [1]}'"))
                == .json(.object([.init("a", .array([.int(1)]))]), text: #"{"a":[1]}"#))
        #expect(await Self.answer(Self.command("exit 3") { $0.reads = .exitStatus }) == .scalar(3))
        #expect(await Self.answer(Self.command("exit 0") { $0.reads = .exitStatus }) == .scalar(0))
    }

    @Test func `what goes wrong with a command is said`() async {
        for (script, words) in [
            ("echo no >&2; exit 4", "ended with status 4: no"), ("echo hello", "no number and no JSON: hello"),
            ("kill -9 $$", "signal 9"), ("yes", "printed more than 1048576 bytes"),
        ] {
            let message = Self.complaint(await Self.answer(Self.command(script)))
            #expect(message.contains(words), "\(message)")
        }
        let missing = await Self.answer(.command(CommandQuery(arguments: ["/nowhere/at-all"])))
        #expect(Self.complaint(missing).contains("`/nowhere/at-all` cannot be started"))
    }

    @Test func `a command gets its variables, secrets among them, and runs where it is told to`() async {
        let answer = await Self.answer(
            Self.command("echo \"\\\"$NAME $TOKEN $(pwd)\\\"\"") {
                $0.environment = [.init(name: "NAME", value: "x"), .init(name: "TOKEN", value: "{{env:SECRET}}")]
                $0.directory = "/usr"
            }, environment: ["SECRET": "y"])
        #expect(answer == .json(.string("x y /usr"), text: "\"x y /usr\""))
    }

    @Test func `a command that takes too long is no data, and nothing of its group lives on`() async throws {
        let file = "/tmp/belay-command-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: file) }
        // A child that ignores the signal, in the background of one that obeys it.
        let script = "sh -c 'trap \"\" TERM; echo $$ > \(file); while :; do sleep 1; done' & sleep 60"
        let answer = await Self.answer(Self.command(script) { $0.timeout = .milliseconds(600) })
        #expect(Self.isNoData(answer), "\(answer)")
        #expect(Self.complaint(answer).contains("took longer than 600ms"))
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let pid = try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        // Killed; until it is reaped its name is still there.
        try await Rig.until("the child is gone") { kill(pid, 0) != 0 || isZombie(pid) }
    }

    private func isZombie(_ pid: Int32) -> Bool {
        let status = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
        return status?.split(separator: ")").last?.hasPrefix(" Z") ?? true
    }

    @Test func `a constant is what it is`() async {
        #expect(await Self.answer(.constant(.double(0.01))) == .scalar(0.01))
        #expect(await Self.answer(.constant(.array([.int(1)]))) == .json(.array([.int(1)]), text: "[1]"))
    }
}
