import BelayCore
import BelayKubernetes
import BelayKubernetesDouble
import BelayKubernetesServer
import BelayPlatform
import Foundation
import Testing

/// Watches of the client against the double's server.
@Suite("A watch", .serialized)
struct WatchTests {
    /// What a watch has told, in a word each.
    private final class Diary: Sendable {
        private let words = Locked<[String]>([])
        private let task: Task<Void, Never>

        init(_ stream: AsyncThrowingStream<WatchEvent, any Error>) {
            let words = words
            task = Task {
                do {
                    for try await event in stream { words.withLock { $0.append(Self.word(event)) } }
                    words.withLock { $0.append("end") }
                } catch let error as KubernetesError {
                    words.withLock { $0.append("\(error.kind)") }
                } catch { words.withLock { $0.append("\(error)") } }
            }
        }

        private static func word(_ event: WatchEvent) -> String {
            switch event {
            case .listed(let objects): "listed \(objects.count)"
            case .changed(let object):
                "\(object["metadata"]?["name"]?.string ?? "") \(object["spec"]?["replicas"]?.int ?? -1)"
            case .deleted(let object): "no \(object["metadata"]?["name"]?.string ?? "")"
            case .interrupted: "interrupted"
            case .resumed: "resumed"
            }
        }

        /// Waits until that was told after what was waited for before; a minute at most.
        func wait(for word: String, times: Int = 1) async -> Bool {
            for _ in 0..<6000 {
                if words.withLock({ $0.filter { $0 == word }.count >= times }) { return true }
                try? await Task.sleep(for: .milliseconds(10))
            }
            Issue.record("`\(word)` was not told: \(words.withLock { $0 })")
            return false
        }

        var all: [String] { words.withLock { $0 } }
        func cancel() { task.cancel() }
    }

    private func scale(_ client: KubernetesClient, _ replicas: Int64) async throws {
        _ = try await client.patch(
            .deployments("shop"), "cart", .merge, .members(["spec": .members(["replicas": .int(replicas)])]))
    }

    @Test("tells changes, goes on where it was cut and begins anew where it was forgotten", arguments: [true, false])
    func survives(isHTTP2: Bool) async throws {
        try await TestServer.run(isHTTP2: isHTTP2) { server in
            server.makeShop()
            server.server.run()
            let client = try server.client()
            let diary = Diary(client.watch(.deployments("shop"), labels: "app=cart"))
            #expect(await diary.wait(for: "listed 1"))
            try await scale(client, 4)
            #expect(await diary.wait(for: "cart 4"))
            server.double.cutWatches()
            try await scale(client, 5)
            #expect(await diary.wait(for: "cart 5"))
            await server.server.goAway()
            #expect(await diary.wait(for: "interrupted"))
            server.make("/api/v1/namespaces/shop/configmaps", #"{"metadata":{"name":"meanwhile"}}"#)
            server.double.forget()
            _ = try await server.server.start(port: server.port)
            #expect(await diary.wait(for: "listed 1", times: 2))
            try await scale(client, 6)
            #expect(await diary.wait(for: "cart 6"))
            diary.cancel()
            client.shutdown()
        }
    }

    @Test("notices a connection that has fallen silent, and a change behind it is not lost", arguments: [true, false])
    func silence(isHTTP2: Bool) async throws {
        try await TestServer.run(isHTTP2: isHTTP2) { server in
            server.makeShop()
            server.server.run()
            let client = try server.client()
            let diary = Diary(client.watch(.deployments("shop")))
            #expect(await diary.wait(for: "listed 1"))
            try await scale(client, 4)
            #expect(await diary.wait(for: "cart 4"))
            // Again and again: one that falls silent between two watches is no interruption.
            let muting = Task {
                while !Task.isCancelled {
                    await server.server.mute()
                    try? await Task.sleep(for: .milliseconds(300))
                }
            }
            #expect(await diary.wait(for: "interrupted"))
            muting.cancel()
            await muting.value
            let other = try server.client()
            try await scale(other, 7)
            #expect(await diary.wait(for: "cart 7"))
            #expect(diary.all.filter { $0.hasPrefix("listed") }.count == 1)
            diary.cancel()
            other.shutdown()
            client.shutdown()
        }
    }

    @Test func `does not delay a call, however long it lasts and however many there are`() async throws {
        try await TestServer.run { server in
            server.makeShop()
            let client = try server.client()
            let diaries = (0..<150).map { _ in Diary(client.watch(.deployments("shop"))) }
            for diary in diaries { #expect(await diary.wait(for: "listed 1")) }
            try await scale(client, 8)
            for diary in diaries { #expect(await diary.wait(for: "cart 8")) }
            for diary in diaries { diary.cancel() }
            client.shutdown()
        }
    }

    @Test func `ends where its token is taken away, and goes on where the token's file has a new one`() async throws {
        try await TestServer.run { server in
            server.makeShop()
            server.server.run()
            let file = "\(server.folder)/token"
            server.double.know(.admin, byToken: "first")
            try "first".write(toFile: file, atomically: true, encoding: .utf8)
            let fixed = try server.client { $0.credential = .token("first") }
            let renewed = try server.client { $0.credential = .tokenFile(file) }
            let (ending, lasting) = (
                Diary(fixed.watch(.deployments("shop"))), Diary(renewed.watch(.deployments("shop")))
            )
            for diary in [ending, lasting] { #expect(await diary.wait(for: "listed 1")) }
            server.double.forgetToken("first")
            try "admin-token".write(toFile: file, atomically: true, encoding: .utf8)
            server.double.cutWatches()
            #expect(await ending.wait(for: "unauthorized"))
            try await scale(renewed, 4)
            #expect(await lasting.wait(for: "cart 4"))
            for client in [fixed, renewed] { client.shutdown() }
        }
    }

    @Test func `that the server ends at once is not begun again without a pause`() async throws {
        try await TestServer.run { server in
            server.makeShop()
            server.server.run()
            let client = try server.client()
            let diary = Diary(client.watch(.deployments("shop")))
            #expect(await diary.wait(for: "listed 1"))
            let before = server.double.watchesBegun
            let cuts = 1000
            for _ in 0..<cuts {
                server.double.cutWatches()
                try await Task.sleep(for: .milliseconds(1))
            }
            // Without pauses there would be one for each cut.
            #expect(server.double.watchesBegun - before < cuts / 20)
            try await scale(client, 4)
            #expect(await diary.wait(for: "cart 4"))
            diary.cancel()
            client.shutdown()
        }
    }

    @Test func `waits for a reader that is slow, and no event is lost`() async throws {
        try await TestServer.run { server in
            server.makeShop()
            server.server.run()
            let client = try server.client()
            defer { client.shutdown() }
            var events = client.watch(.deployments("shop")).makeAsyncIterator()
            guard case .listed? = try await events.next() else { return #expect(Bool(false)) }
            let count: Int64 = 90
            for replicas in 1...count { try await scale(client, replicas + 10) }
            var seen: Int64 = 0
            while seen < count + 10, let event = try await events.next() {
                guard case .changed(let object) = event, let replicas = object["spec"]?["replicas"]?.int else {
                    continue
                }
                #expect(replicas >= seen && replicas <= seen + 11)
                seen = replicas
            }
            #expect(seen == count + 10)
        }
    }

    @Test func `ends where nobody may watch`() async throws {
        try await TestServer.run { server in
            server.makeShop()
            let client = try server.client { $0.impersonation = .init(user: "bob") }
            let diary = Diary(client.watch(.deployments("shop")))
            #expect(await diary.wait(for: "forbidden"))
            client.shutdown()
        }
    }
}
