import BelayCore
import BelayKubernetesDouble
import BelayPlatform
import Foundation
import Testing

/// Two Deployments behind one Service, whose numbers of pods divide the traffic.
extension ClusterReleaseTests {
    private static let both = #"{"app":"pair"}"#

    private func file(_ rig: ReleaseRig, _ revision: String, _ order: String, hold: String = "2s") throws -> String {
        try rig.file(
            revision: revision, traffic: "replicas: {service: pair}",
            steps: "{setWeight: 25, hold: \(hold)}, {setWeight: 100, hold: \(hold)}", workload: "deployments: \(order)")
    }

    private func split(_ rig: ReleaseRig) -> [Int] {
        ["blue-", "green-"].map { side in rig.endpoints(of: "pair").count { $0.hasPrefix(side) } }
    }

    private func replicas(_ rig: ReleaseRig, _ name: String) -> Int64? {
        rig.deployment(name)?["spec"]?["replicas"]?.int
    }

    private func checkPair(_ rig: ReleaseRig, blue: String, green: String, _ place: SourceLocation = #_sourceLocation) {
        #expect(rig.image("blue") == blue && rig.image("green") == green, sourceLocation: place)
        #expect(replicas(rig, "blue") == 2 && replicas(rig, "green") == 0, sourceLocation: place)
        #expect(rig.service("pair")?["spec"]?["selector"] == .members(["app": "pair"]), sourceLocation: place)
        for object in [rig.service("pair"), rig.deployment("blue"), rig.deployment("green")] {
            #expect(!(object.map(JSONText.write) ?? "").contains("belay"), sourceLocation: place)
        }
        #expect(rig.server.double.objects("Lease", "shop").isEmpty, sourceLocation: place)
        #expect(rig.server.double.objects("ConfigMap", "shop").isEmpty, sourceLocation: place)
    }

    @Test(
        "of two Deployments the one with pods is stable, gets the new version at the end and keeps the traffic",
        arguments: ["{blue: blue, green: green}", "{canary: green, stable: blue}"])
    func pairShares(order: String) async throws {
        try await ReleaseRig.run { rig in
            rig.makePair(selector: Self.both)
            let file = try file(rig, "v2-ready1", order)
            let plan = try await rig.belay("plan", file)
            for words in [
                "33.33 % (nearest to 25 %)", "1 pod of green beside 2 of blue", "~ spec.replicas follows the steps",
                "change Deployment blue when the last hold is over", "+ spec.selector.side: green",
            ] {
                #expect(plan.words.contains(words), "\(words) is not in \(plan.words)")
            }
            async let run = rig.belay("run", file)
            for wanted in [[2, 1], [0, 2], [2, 0]] {
                try await rig.until("\(wanted) pods have the traffic") { split(rig) == wanted }
            }
            let ended = try await run
            #expect(ended.status == 0, "\(ended.words)")
            checkPair(rig, blue: "cart:v2-ready1", green: "cart:v2-ready1")
        }
    }

    @Test("from each step of two Deployments an abort leaves both as they were", arguments: [[2, 1], [0, 2]])
    func pairAborts(wanted: [Int]) async throws {
        try await ReleaseRig.run { rig in
            rig.makePair(selector: Self.both)
            async let run = rig.belay(
                "run", try file(rig, "v2", "{blue: blue, green: green}", hold: wanted == [2, 1] ? "60s" : "5s"))
            try await rig.until("\(wanted) pods have the traffic") { split(rig) == wanted }
            let abort = try await rig.belay("abort", "cart")
            #expect(abort.status == 0, "\(abort.words)")
            #expect(try await run.status == 3)
            checkPair(rig, blue: "cart:v1", green: "cart:v1")
        }
    }

    @Test(
        "a driver of two Deployments that is killed is succeeded",
        arguments: ["after-write:1", "after-write:2", "after-action:2", "after-action:4", "in-way-back:1"])
    func pairKills(crash: String) async throws {
        try await ReleaseRig.run { rig in
            rig.makePair(selector: Self.both)
            let isBack = crash.hasPrefix("in-way-back")
            let path = try file(rig, isBack ? "v3-dies3" : "v2-ready1", "{blue: blue, green: green}")
            let killed = try await rig.belay(
                "run", path, "--set", "spec.strategy.canary.steps[0].hold=6s", crash: crash)
            #expect(killed.status == 128 + 9, "\(killed.words)")
            let resumed = try await rig.belay("resume", "cart")
            #expect(resumed.status == (isBack ? 1 : 0), "\(resumed.words)")
            let image = isBack ? "cart:v1" : "cart:v2-ready1"
            checkPair(rig, blue: image, green: image)
        }
    }

    @Test func `two Deployments that both have pods, or that nothing tells apart, are refused`() async throws {
        try await ReleaseRig.run { rig in
            rig.makePair(selector: Self.both)
            rig.patch("deployments", "green", #"{"spec":{"replicas":1}}"#)
            rig.server.double.advance(by: .seconds(2))
            let path = try file(rig, "v2", "{blue: blue, green: green}")
            let refused = try await rig.belay("run", path)
            #expect(
                refused.status == 2
                    && refused.words.contains("`blue` has 2 pods and `green` 1 behind Service `pair`"),
                "\(refused.words)")
            rig.patch("deployments", "green", #"{"spec":{"replicas":0}}"#)
            for side in ["blue", "green"] {
                rig.remove("/apis/apps/v1/namespaces/shop/deployments/\(side)")
                rig.server.make(
                    "/apis/apps/v1/namespaces/shop/deployments",
                    #"{"metadata":{"name":"\#(side)"},"spec":{"replicas":\#(side == "blue" ? 2 : 0),"#
                        + #""selector":{"matchLabels":{"app":"pair"}},"template":{"metadata":{"labels":{"app":"pair"}},"#
                        + #""spec":{"containers":[{"name":"app","image":"cart:v1"}]}}}}"#)
            }
            rig.server.double.advance(by: .seconds(2))
            let alike = try await rig.belay("run", path)
            #expect(
                alike.status == 2 && alike.words.contains("no label has one value at the pods of `blue`"),
                "\(alike.words)")
            #expect(rig.written.allSatisfy { $0.path.hasSuffix("selfsubjectaccessreviews") })
        }
    }

    @Test func `an abort from another machine finds a pair by either name, and the driver's record names the person`()
        async throws
    {
        try await ReleaseRig.run { rig in
            rig.makePair(selector: Self.both)
            async let run = rig.belay("run", try file(rig, "v2", "{blue: blue, green: green}", hold: "60s"))
            try await rig.until("the canary has traffic") { split(rig) == [2, 1] }
            let abort = try await rig.belay(
                "abort", "--deployment", "green", "--actor", "alice", "--reason", "too slow", journal: "none.db")
            #expect(abort.status == 0, "\(abort.words)")
            let ended = try await run
            #expect(
                ended.status == 3 && ended.words.contains("(too slow) returned the traffic without a journal"),
                "\(ended.words)")
            checkPair(rig, blue: "cart:v1", green: "cart:v1")
            let events = rig.server.double.objects("Event", "shop").compactMap { $0["message"]?.string }
            #expect(events.contains { $0.contains("by alice") && $0.contains("(too slow)") }, "\(events)")
        }
    }

    @Test(
        "a canary of two that somebody changes in the middle takes the traffic back, whatever is left of its mark",
        arguments: ["old version", "replaced", "scaled"])
    func pairHands(hand: String) async throws {
        try await ReleaseRig.run { rig in
            rig.makePair(selector: Self.both)
            async let run = rig.belay("run", try file(rig, "v2", "{blue: blue, green: green}", hold: "60s"))
            try await rig.until("the canary has traffic") { split(rig) == [2, 1] }
            try await rig.untilTold("watched ")
            let old = #""template":{"spec":{"containers":[{"name":"app","image":"cart:v1"}]}}"#
            switch hand {
            case "old version": rig.patch("deployments", "green", "{\"spec\":{\(old)}}")
            case "scaled": rig.patch("deployments", "green", #"{"spec":{"replicas":2}}"#)
            default:
                let keys = ["rollout", "epoch", "replicas", "share", "deployed"]
                let nulls = keys.map { "\"belay.dev/\($0)\":null" }.joined(separator: ",")
                rig.patch(
                    "deployments", "green",
                    "{\"metadata\":{\"annotations\":{\(nulls)}},\"spec\":{\"replicas\":2,\(old)}}")
            }
            let ended = try await run
            #expect(ended.status == 3 && ended.words.contains("`green` "), "\(ended.words)")
            #expect(split(rig) == [2, 0])
            checkPair(rig, blue: "cart:v1", green: "cart:v1")
        }
    }

    @Test func `what a lost release has left on a pair is told and replaced`() async throws {
        try await ReleaseRig.run { rig in
            rig.makePair(selector: Self.both)
            let marks =
                #""belay.dev/rollout":"cart-0000000000","belay.dev/epoch":"3","belay.dev/replicas":"1","belay.dev/share":"2500","#
                + #""belay.dev/deployed":"true""#
            rig.patch("deployments", "green", "{\"metadata\":{\"annotations\":{\(marks)}}}")
            let run = try await rig.belay("run", try file(rig, "v2", "{blue: blue, green: green}"))
            #expect(run.status == 0 && run.words.contains("bears what cart-0000000000 has left"), "\(run.words)")
            checkPair(rig, blue: "cart:v2", green: "cart:v2")
        }
    }

    @Test func `a second release is refused whatever the order of its sides, and rescue keeps to the stable one`()
        async throws
    {
        try await ReleaseRig.run { rig in
            rig.makePair(selector: Self.both)
            let path = try file(rig, "v2", "{blue: blue, green: green}", hold: "60s")
            let killed = try await rig.belay("run", path, crash: "after-append:9")
            #expect(killed.status == 128 + 9, "\(killed.words)")
            let other = try file(rig, "v3", "{green: green, blue: blue}")
            let second = try await rig.belay("run", other, journal: "other.db")
            #expect(second.status == 7, "\(second.words)")
            let wrong = try await rig.belay("rescue", path, "--stable", "green", journal: "none.db")
            #expect(wrong.status == 2 && wrong.words.contains("only `blue` can have the traffic"), "\(wrong.words)")
            let right = try await rig.belay("rescue", path, journal: "none.db")
            #expect(right.status == 0, "\(right.words)")
            #expect(split(rig) == [2, 0])
        }
    }
}
