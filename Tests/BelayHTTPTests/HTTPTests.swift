import BelayDemo
import Foundation
import Testing

@testable import BelayHTTP

@Suite("Proxies")
struct ProxyTests {
    @Test(
        "which proxy a request goes through is said, without its password",
        arguments: [
            ("http://prometheus:9090/x", ["http_proxy": "http://u:pw@proxy:3128"], "proxy:3128 of http_proxy"),
            ("https://prometheus", ["http_proxy": "http://proxy:3128"], nil),
            ("https://prometheus", ["HTTPS_PROXY": "http://proxy:3128"], "http://proxy:3128 of HTTPS_PROXY"),
            ("http://prometheus", ["HTTP_PROXY": "http://proxy:3128"], nil),
            ("http://prometheus", ["all_proxy": "socks5://s:1080"], "socks5://s:1080 of all_proxy"),
            ("http://a.shop.example", ["http_proxy": "http://p", "no_proxy": "x, .shop.example"], nil),
            (
                "http://a.workshop.example", ["http_proxy": "http://p", "no_proxy": "shop.example"],
                "http://p of http_proxy"
            ),
            ("http://a", ["http_proxy": "http://p", "NO_PROXY": "*"], nil),
        ] as [(String, [String: String], String?)])
    func isSaid(url: String, variables: [String: String], expected: String?) {
        #expect(Proxy.used(for: url) { variables[$0] } == expected)
    }

    @Test func `what is on this machine is known`() {
        for url in ["http://localhost:9090", "http://127.0.0.1/x", "https://[::1]:9090/y", "http://u@127.8.0.1"] {
            #expect(Proxy.isLoopback(Proxy.host(of: url)), "\(url)")
        }
        for url in ["http://localhost.example", "http://10.0.0.1", "http://prometheus"] {
            #expect(!Proxy.isLoopback(Proxy.host(of: url)), "\(url)")
        }
    }

    @Test func `a proxy that is not there does not stand before the loopback`() async throws {
        setenv("http_proxy", "http://127.0.0.1:9", 1)
        defer { unsetenv("http_proxy") }
        let port = try CannedPort { _ in "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok" }
        let client = HTTPClient()
        defer { client.shutdown() }
        let answer = try await client.execute(HTTPRequest(url: "http://127.0.0.1:\(port.number)/"))
        #expect(answer.status == 200)
    }
}

/// libcurl against a real TLS server with a private authority and client certificates.
@Suite("HTTP", .serialized)
struct HTTPTests {
    @Test func `a private authority and a client certificate are what opens the door`() async throws {
        try await withServer { port, folder, client in
            let good = try await client.execute(request(port, folder))
            #expect(good.status == 200)
            #expect(String(decoding: good.body, as: UTF8.self).contains("s_server"))
            await expectFailure(.transport, client) { try request(port, folder, client: false) }
            await expectFailure(.untrusted, client) { try request(port, folder, authority: false) }
        }
    }

    @Test func `a long answer, a silent server and nobody at all are told apart`() async throws {
        try await withServer { port, folder, client in
            var small = try request(port, folder)
            small.maximumBytes = 10
            await expectFailure(.tooLarge, client) { small }
        }
        let client = HTTPClient()
        defer { client.shutdown() }
        let silent = try SilentPort()
        var slow = HTTPRequest(url: "https://localhost:\(silent.number)/")
        slow.timeout = .milliseconds(300)  // The handshake is never answered.
        await expectFailure(.timeout, client) { slow }
        slow.timeout = .seconds(20)
        let waiting = Task { [slow] in try await client.execute(slow) }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        await expectFailure(.transport, client) { HTTPRequest(url: "http://127.0.0.1:1/") }
        await expectFailure(.request, client) { HTTPRequest(url: "ftp://127.0.0.1/") }
        await expectFailure(.request, client) { HTTPRequest(url: "http://") }
    }

    @Test func `after shutdown nothing hangs`() async throws {
        let client = HTTPClient()
        client.shutdown()
        await #expect(throws: CancellationError.self) {
            try await client.execute(HTTPRequest(url: "http://127.0.0.1:1/"))
        }
    }

    // MARK: The server

    private func request(_ port: Int, _ folder: String, authority: Bool = true, client: Bool = true) throws
        -> HTTPRequest
    {
        func pem(_ name: String) throws -> [UInt8] {
            Array(try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")))
        }
        var request = HTTPRequest(url: "https://localhost:\(port)/")
        if authority { request.authority = try pem("ca.pem") }
        if client { (request.certificate, request.key) = (try pem("client.pem"), try pem("client.key")) }
        return request
    }

    private func expectFailure(_ kind: HTTPError.Kind, _ client: HTTPClient, _ request: () throws -> HTTPRequest) async
    {
        await #expect {
            _ = try await client.execute(try request())
        } throws: { ($0 as? HTTPError)?.kind == kind }
    }

    private func withServer(_ body: (Int, String, HTTPClient) async throws -> Void) async throws {
        let folder = "/tmp/belay-tls-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await makeCertificates(folder)
        let port = try Rig.freePort()
        let server = try await LocalProcess.start(
            "timeout",
            [
                "60", "openssl", "s_server", "-accept", "127.0.0.1:\(port)", "-cert", "\(folder)/server.pem", "-key",
                "\(folder)/server.key",
                "-CAfile", "\(folder)/ca.pem", "-Verify", "1", "-verify_return_error", "-www",
            ], log: folder + "/server.log")
        let client = HTTPClient()
        do {
            try await Rig.until("the server listens", log: server.log) { server.output.contains("ACCEPT") }
            try await body(port, folder, client)
        } catch {
            client.shutdown()
            await server.stop()
            throw error
        }
        client.shutdown()
        await server.stop()
    }

    private func makeCertificates(_ folder: String) async throws {
        func openssl(_ arguments: String...) async throws {
            let process = try await LocalProcess.start("openssl", arguments, log: folder + "/openssl.log")
            guard await process.wait() == 0 else { throw LocalProcess.Failure(description: process.output) }
        }
        try await openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
            "/CN=belay test",
            "-keyout", "\(folder)/ca.key", "-out", "\(folder)/ca.pem")
        for name in ["server", "client"] {
            try await openssl(
                "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                "/CN=localhost",
                "-addext", "subjectAltName=DNS:localhost", "-keyout", "\(folder)/\(name).key", "-out",
                "\(folder)/\(name).csr")
            try await openssl(
                "x509", "-req", "-in", "\(folder)/\(name).csr", "-CA", "\(folder)/ca.pem", "-CAkey", "\(folder)/ca.key",
                "-days", "2",
                "-copy_extensions", "copy", "-out", "\(folder)/\(name).pem")
        }
    }
}
