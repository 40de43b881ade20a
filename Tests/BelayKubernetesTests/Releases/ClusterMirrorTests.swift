import BelayCore
import BelayPlatform
import Testing

@testable import BelayKubernetes

/// When a watch may stand for a reading.
@Suite("A mirror of objects")
struct ClusterMirrorTests {
    private let mirror: ClusterMirror
    private let told: AsyncThrowingStream<WatchEvent, any Error>.Continuation

    init() {
        let (events, told) = AsyncThrowingStream<WatchEvent, any Error>.makeStream()
        (mirror, self.told) = (ClusterMirror(events), told)
    }

    private static func object(_ name: String, _ version: String) -> JSONValue {
        .members(["metadata": .members(["name": .string(name), "resourceVersion": .string(version)])])
    }

    /// Tells events, and waits until the mirror has them.
    private func tell(_ events: WatchEvent...) async throws {
        let wanted = mirror.events + events.count
        for event in events { told.yield(event) }
        for _ in 0..<10_000 where mirror.events < wanted { try await Task.sleep(for: .milliseconds(1)) }
        try #require(mirror.events == wanted)
    }

    @Test func `what was not listed yet is not known`() async throws {
        #expect(mirror.objects(caughtUpWith: [], since: 0) == nil)
        try await tell(.listed([Self.object("a", "1")]))
        #expect(mirror.objects(caughtUpWith: [Self.object("a", "1")], since: 1)?.count == 1)
    }

    @Test func `a change that was read and not told yet makes it wait`() async throws {
        try await tell(.listed([Self.object("a", "1")]))
        let reading = [Self.object("a", "2")]
        #expect(mirror.objects(caughtUpWith: reading, since: 1) == nil)
        try await tell(.changed(Self.object("a", "2")))
        #expect(mirror.objects(caughtUpWith: reading, since: 1) == reading)
        // What comes after that is newer.
        try await tell(.changed(Self.object("a", "9")))
        #expect(mirror.objects(caughtUpWith: reading, since: 1) == [Self.object("a", "9")])
    }

    @Test func `an object that is new in the reading is waited for, and one that went since is not`() async throws {
        try await tell(.listed([]))
        let reading = [Self.object("a", "1")]
        #expect(mirror.objects(caughtUpWith: reading, since: 1) == nil)
        try await tell(.changed(Self.object("b", "5")))
        #expect(mirror.objects(caughtUpWith: reading, since: 1) == nil)
        try await tell(.changed(Self.object("a", "1")), .deleted(Self.object("a", "6")))
        #expect(mirror.objects(caughtUpWith: reading, since: 1) == [Self.object("b", "5")])
    }

    @Test func `an object that is gone in the reading is waited for, and one that came since is not`() async throws {
        try await tell(.listed([Self.object("a", "1")]))
        #expect(mirror.objects(caughtUpWith: [], since: 1) == nil)
        try await tell(.deleted(Self.object("a", "1")))
        #expect(mirror.objects(caughtUpWith: [], since: 1) == [])
        try await tell(.changed(Self.object("b", "7")))
        #expect(mirror.objects(caughtUpWith: [], since: 1) == [Self.object("b", "7")])
    }

    @Test func `while the connection does not answer nothing is known`() async throws {
        try await tell(.listed([Self.object("a", "1")]), .interrupted("silence"))
        #expect(mirror.objects(caughtUpWith: [Self.object("a", "1")], since: 1) == nil)
        try await tell(.resumed)
        #expect(mirror.objects(caughtUpWith: [Self.object("a", "1")], since: 1)?.count == 1)
    }

    @Test func `a list after a gap tells what has gone meanwhile`() async throws {
        try await tell(.listed([Self.object("a", "1"), Self.object("b", "2")]))
        try await tell(.interrupted("expired"), .listed([Self.object("b", "2")]))
        #expect(mirror.objects(caughtUpWith: [Self.object("b", "2")], since: 1)?.count == 1)
        #expect(mirror.objects(caughtUpWith: [Self.object("a", "1"), Self.object("b", "2")], since: 1)?.count == 1)
    }

    @Test func `a watch that ends for good knows nothing any more`() async throws {
        try await tell(.listed([]))
        told.finish(throwing: KubernetesError(status: 403, nil, "GET", retryAfter: nil))
        for _ in 0..<10_000 where mirror.objects(caughtUpWith: [], since: 1) != nil {
            try await Task.sleep(for: .milliseconds(1))
        }
        #expect(mirror.objects(caughtUpWith: [], since: 1) == nil)
    }
}
