import BelayCore
import BelayKubernetesDouble
import BelayKubernetesServer
import BelayPlatform
import Foundation
import Testing

/// Whole releases by the program itself, against the double's server. Each has a cluster of its own, and they run side by side.
@Suite("A release of a Deployment")
struct ClusterReleaseTests {
    static let shares = "replicas: {service: cart}"

    @Test func `switches the Service, brings stable to the new version and leaves nothing behind`() async throws {
        try await ReleaseRig.run { rig in
            let run = try await rig.belay("run", try rig.file(revision: "v2-ready1"))
            #expect(run.status == 0, "\(run.words)")
            rig.checkClean(image: "cart:v2-ready1")
            // Stable's own Deployment is not written before the decision.
            let first = rig.written.firstIndex { $0.path.hasSuffix("deployments/cart") }
            let switched = rig.written.firstIndex {
                $0.path.hasSuffix("services/cart") && $0.method == "PATCH"
                    && JSONText.write($0.body).contains("cart-canary")
            }
            #expect((switched ?? .max) < (first ?? 0))
        }
    }

    @Test func `while it waits it asks the server for nothing but its Lease and whether the connection answers`()
        async throws
    {
        try await ReleaseRig.run { rig in
            async let run = rig.belay("run", try rig.file(revision: "v2", steps: "{setWeight: 100, hold: 20s}"))
            try await rig.until("the canary has all traffic") { rig.split == (0, 3) }
            try await rig.until("nothing else is asked for") {
                rig.asked.suffix(6).allSatisfy { ["version", "belay-cart"].contains($0) }
            }
            #expect(try await run.status == 0)
            rig.checkClean(image: "cart:v2")
        }
    }

    @Test func `gives shares by numbers of pods, as the plan shows them`() async throws {
        try await ReleaseRig.run { rig in
            let steps = "{setWeight: 10, hold: 2s}, {setWeight: 50, hold: 2s}, {setWeight: 100, hold: 2s}"
            let file = try rig.file(revision: "v2-ready1", traffic: Self.shares, steps: steps)
            let plan = try await rig.belay("plan", file)
            for words in [
                "25 % (nearest to 10 %)", "1 pod of cart-canary beside 3 of cart",
                "3 pods of cart-canary beside 3 of cart",
            ] {
                #expect(plan.words.contains(words), "\(words) is not in \(plan.words)")
            }
            async let run = rig.belay("run", file)
            try await rig.until("one pod of four has traffic") { rig.split == (3, 1) }
            try await rig.until("half of the pods have traffic") { rig.split == (3, 3) }
            try await rig.until("the canary has all of it") { rig.split == (0, 3) }
            let ended = try await run
            #expect(ended.status == 0, "\(ended.words)")
            #expect(rig.canaryCounts == [1, 3, 3, 0] || rig.canaryCounts == [1, 3, 0], "\(rig.canaryCounts)")
            rig.checkClean(image: "cart:v2-ready1")
        }
    }

    @Test(
        "pods that do not become ready take nothing with them, and are told with their reason",
        arguments: [
            ("v3-hang", "runs and is not ready"),
            ("v4-crash", "ended with status 1 (Error), saying: fatal: cannot read configuration"),
            ("v5-pull", "ImagePullBackOff"),
        ])
    func neverReady(revision: String, words: String) async throws {
        try await ReleaseRig.run { rig in
            let run = try await rig.belay("run", try rig.file(revision: revision, deadline: "15s"))
            #expect(run.status == 1 && run.words.contains(words), "\(run.words)")
            rig.checkClean(image: "cart:v1")
            #expect(!rig.written.contains { $0.path.hasSuffix("deployments/cart") })
        }
    }

    @Test func `pods that restart in the middle take the traffic back`() async throws {
        try await ReleaseRig.run { rig in
            let steps = "{setWeight: 50, hold: 60s}"
            let run = try await rig.belay("run", try rig.file(revision: "v6-dies4", traffic: Self.shares, steps: steps))
            #expect(run.status == 1 && run.words.contains("app restarted"), "\(run.words)")
            rig.checkClean(image: "cart:v1")
        }
    }

    @Test(
        "an abort returns the traffic from every step",
        arguments: ["service: {name: cart}", "replicas: {service: cart}"],
        [50, 100])
    func aborts(traffic: String, weight: Int) async throws {
        if weight < 100, traffic.hasPrefix("service") { return }
        try await ReleaseRig.run { rig in
            let file = try rig.file(revision: "v2", traffic: traffic, steps: "{setWeight: \(weight), hold: 120s}")
            async let run = rig.belay("run", file)
            try await rig.until("the canary has traffic") { rig.split == (weight == 100 ? 0 : 3, 3) }
            let abort = try await rig.belay("abort", "cart", "--reason", "a test")
            #expect(abort.status == 0, "\(abort.words)")
            let ended = try await run
            #expect(ended.status == 3, "\(ended.words)")
            rig.checkClean(image: "cart:v1")
        }
    }

    @Test func `an abort during the adoption puts stable's template back, and the traffic once it can serve`()
        async throws
    {
        try await ReleaseRig.run { rig in
            async let run = rig.belay("run", try rig.file(revision: "v2-ready4"))
            try await rig.until("stable is being brought to the new version") { rig.image("cart") == "cart:v2-ready4" }
            _ = try await rig.belay("abort", "cart")
            let ended = try await run
            #expect(ended.status == 3, "\(ended.words)")
            rig.checkClean(image: "cart:v1")
        }
    }

    @Test func `an adoption whose pods do not become ready leaves the traffic where it is and calls a person`()
        async throws
    {
        try await ReleaseRig.run { rig in
            async let run = rig.belay(
                "run", try rig.file(revision: "v2", steps: "{setWeight: 100, hold: 4s}", deadline: "15s"))
            try await rig.until("the canary has all traffic") { rig.split == (0, 3) }
            rig.server.double.setPods { $0.becomesReady = false }
            try await rig.until("stable is being brought to the new version") { rig.image("cart") == "cart:v2" }
            try await rig.until("its template is put back") { rig.image("cart") == "cart:v1" }
            #expect(rig.split == (0, 3))
            let status = try await rig.belay("status", "cart")
            #expect(
                status.words.contains("its template is put back, and the traffic stays where it is"), "\(status.words)")
            rig.server.double.setPods { $0.becomesReady = true }
            _ = try await rig.belay("abort", "cart")
            let ended = try await run
            #expect(ended.status == 3, "\(ended.words)")
            rig.checkClean(image: "cart:v1")
        }
    }

    @Test(
        "a driver that is killed is succeeded, wherever that happens",
        arguments: [
            ("after-append:3", "service: {name: cart}"), ("after-append:7", shares), ("after-append:10", shares),
            ("after-write:1", "service: {name: cart}"), ("after-write:1", shares), ("after-write:3", shares),
            ("after-action:1", shares), ("after-action:2", "service: {name: cart}"),
            ("after-action:3", "service: {name: cart}"), ("after-action:3", shares), ("after-action:4", shares),
        ])
    func killed(crash: String, traffic: String) async throws {
        try await ReleaseRig.run { rig in
            let killed = try await rig.belay("run", try rig.file(revision: "v2-ready1", traffic: traffic), crash: crash)
            #expect(killed.status == 128 + 9, "\(killed.words)")
            let resumed = try await rig.belay("resume", "cart")
            #expect(resumed.status == 0, "\(killed.words)\n\(resumed.words)")
            rig.checkClean(image: "cart:v2-ready1")
        }
    }

    @Test func `a driver that is killed on the way back is succeeded there`() async throws {
        try await ReleaseRig.run(isServed: false) { rig in  // All of the canary's pods die at once.
            let file = try rig.file(revision: "v6-dies3", steps: "{setWeight: 100, hold: 60s}")
            let killed = try await rig.belay("run", file, crash: "in-way-back:1")
            #expect(killed.status == 128 + 9, "\(killed.words)")
            let resumed = try await rig.belay("resume", "cart")
            #expect(resumed.status == 1, "\(resumed.words)")
            rig.checkClean(image: "cart:v1")
        }
    }

    @Test(
        "conflicts, refusals and broken connections are passed over",
        arguments: ["service: {name: cart}", "replicas: {service: cart}"])
    func faults(traffic: String) async throws {
        try await ReleaseRig.run { rig in
            let file = try rig.file(
                revision: "v2-ready1", traffic: traffic, steps: "{setWeight: 100, hold: 5s}")
            async let run = rig.belay("run", file)
            try await rig.until("the release has begun") { rig.deployment("cart-canary") != nil }
            let storm = Task {
                for _ in 0..<15 {
                    rig.server.server.setFaults { faults in
                        (faults.conflicts, faults.tooMany, faults.resetsAfter, faults.resetsBefore) = (2, 1, 1, 1)
                    }
                    rig.server.double.cutWatches()
                    try await Task.sleep(for: .milliseconds(700))
                }
            }
            defer { storm.cancel() }
            try await rig.until("the canary has all traffic") { rig.split == (0, 3) }
            let ended = try await run
            #expect(ended.status == 0, "\(ended.words)")
            rig.checkClean(image: "cart:v2-ready1")
        }
    }

    @Test func `a server that is gone for a while ends nothing`() async throws {
        try await ReleaseRig.run { rig in
            async let run = rig.belay("run", try rig.file(revision: "v2", steps: "{setWeight: 100, hold: 12s}"))
            try await rig.until("the canary has all traffic") { rig.split == (0, 3) }
            await rig.server.server.goAway()
            try await Task.sleep(for: .seconds(30))  // The fault itself.
            _ = try await rig.server.server.start(port: rig.server.port)
            let ended = try await run
            #expect(ended.status == 0, "\(ended.words)")
            rig.checkClean(image: "cart:v2")
        }
    }

    @Test func `two Deployments change their roles with each release, and the former one is stopped`() async throws {
        try await ReleaseRig.run { rig in
            rig.makePair()
            func file(_ revision: String) throws -> String {
                try rig.file(
                    revision: revision, traffic: "service: {name: pair}",
                    workload: "deployments: {blue: blue, green: green}")
            }
            func replicas(_ name: String) -> Int64? { rig.deployment(name)?["spec"]?["replicas"]?.int }
            func side() -> String? { rig.service("pair")?["spec"]?["selector"]?["side"]?.string }
            let first = try await rig.belay("run", try file("v2-ready1"))
            #expect(first.status == 0, "\(first.words)")
            #expect(side() == "green" && rig.image("green") == "cart:v2-ready1" && rig.image("blue") == "cart:v1")
            #expect(replicas("green") == 2 && replicas("blue") == 0)
            let bad = try await rig.belay(
                "run", try file("v3-hang"), "--set", "spec.strategy.canary.progressDeadline=8s")
            #expect(bad.status == 1, "\(bad.words)")
            #expect(side() == "green" && rig.image("blue") == "cart:v1" && replicas("blue") == 0)
            // Back to what the idle side still has.
            let again = try await rig.belay("run", try file("v1"))
            #expect(again.status == 0, "\(again.words)")
            #expect(side() == "blue" && replicas("blue") == 2 && replicas("green") == 0)
            for object in [rig.service("pair"), rig.deployment("blue"), rig.deployment("green")] {
                #expect(!(object.map(JSONText.write) ?? "").contains("belay"))
            }
        }
    }

    // MARK: Others

    @Test(
        "an autoscaler's minimum is held until the traffic is back on stable, and given back",
        arguments: ["end", "abort", "rescue"])
    func autoscalers(ending: String) async throws {
        try await ReleaseRig.run { rig in
            func minimum(_ name: String) -> Int64? {
                rig.server.double.object("HorizontalPodAutoscaler", "shop", name)?["spec"]?["minReplicas"]?.int
            }
            for (name, minimum) in [("low", 2), ("high", 3)] {
                rig.server.make(
                    "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers",
                    #"{"metadata":{"name":"\#(name)"},"spec":{"minReplicas":\#(minimum),"maxReplicas":9,"#
                        + #""scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"cart"}}}"#)
            }
            let hold = ending == "end" ? "4s" : "60s"
            let file = try rig.file(revision: "v2", steps: "{setWeight: 100, hold: \(hold)}")
            async let run = rig.belay("run", file, crash: ending == "rescue" ? "after-append:9" : nil)
            try await rig.until("the canary has all traffic") { rig.split == (0, 3) }
            #expect(minimum("low") == 3 && minimum("high") == 3)
            switch ending {
            case "abort": _ = try await rig.belay("abort", "cart")
            case "rescue":
                _ = try await run
                let rescue = try await rig.belay("rescue", "--deployment", "cart", journal: "none.db")
                #expect(rescue.status == 0, "\(rescue.words)")
            default: break
            }
            let ended = try await run
            #expect(ended.status == ["end": 0, "abort": 3, "rescue": 137][ending], "\(ended.words)")
            rig.checkClean(image: ending == "end" ? "cart:v2" : "cart:v1")
            #expect(minimum("low") == 2 && minimum("high") == 3)
            let text = rig.server.double.object("HorizontalPodAutoscaler", "shop", "low").map(JSONText.write) ?? ""
            #expect(!text.contains("belay"), "\(text)")
        }
    }

    @Test func `another journal's driver is refused, and the one that drives is named`() async throws {
        try await ReleaseRig.run { rig in
            let file = try rig.file(revision: "v2", steps: "{setWeight: 100, hold: 6s}")
            async let run = rig.belay("run", file)
            try await rig.until("the canary has all traffic") { rig.split == (0, 3) }
            let other = try await rig.belay("run", file, journal: "other.db")
            #expect(other.status == 7 && other.words.contains("the target belongs to cart-"), "\(other.words)")
            #expect(try await run.status == 0)
            rig.checkClean(image: "cart:v2")
        }
    }

    @Test func `a number of stable's that somebody changes is the new base`() async throws {
        try await ReleaseRig.run { rig in
            let file = try rig.file(revision: "v2", traffic: Self.shares, steps: "{setWeight: 25, hold: 20s}")
            async let run = rig.belay("run", file)
            try await rig.until("one pod of four has traffic") { rig.split == (3, 1) }
            rig.patch("deployments", "cart", #"{"spec":{"replicas":6}}"#)
            try await rig.until("the canary has followed") { rig.split == (6, 2) }
            let ended = try await run
            #expect(ended.status == 0, "\(ended.words)")
        }
    }

    @Test(
        "what another hand changes takes the traffic back, and the hand is named",
        arguments: [
            ("services", "cart", #"{"spec":{"selector":{"app":"cart","x":"y"}}}"#),
            ("deployments", "cart-canary", #"{"spec":{"replicas":5}}"#),
        ])
    func otherHands(plural: String, name: String, patch: String) async throws {
        try await ReleaseRig.run(isServed: plural != "services") { rig in
            let file = try rig.file(revision: "v2", traffic: Self.shares, steps: "{setWeight: 50, hold: 60s}")
            async let run = rig.belay("run", file)
            try await rig.until("half of the pods have traffic") { rig.split == (3, 3) }
            rig.patch(plural, name, patch)
            if plural == "services" {
                // The selector that nobody's pods have is put right by its owner, not by Belay.
                try await rig.until("the canary has no pods") {
                    rig.deployment("cart-canary")?["spec"]?["replicas"]?.int == 0
                }
                rig.patch(plural, name, #"{"spec":{"selector":{"x":null}}}"#)
            }
            let ended = try await run
            #expect(ended.status == 3 && ended.words.contains("kubectl-edit"), "\(ended.words)")
            rig.checkClean(image: "cart:v1")
        }
    }

    @Test func `another version that somebody gives to stable takes the traffic back, and stays`() async throws {
        try await ReleaseRig.run { rig in
            let file = try rig.file(revision: "v2", traffic: Self.shares, steps: "{setWeight: 50, hold: 60s}")
            async let run = rig.belay("run", file)
            try await rig.until("half of the pods have traffic") { rig.split == (3, 3) }
            rig.patch(
                "deployments", "cart",
                #"{"spec":{"template":{"spec":{"containers":[{"name":"app","image":"cart:v1.1","ports":[{"containerPort":8080}]}]}}}}"#
            )
            let ended = try await run
            #expect(
                ended.status == 3 && ended.words.contains("the template of `cart` (kubectl-edit)"), "\(ended.words)")
            try await rig.until("stable's update is through") { rig.split == (3, 0) }
            rig.checkClean(image: "cart:v1.1")
        }
    }

    @Test func `a restart of stable's pods changes nothing`() async throws {
        try await ReleaseRig.run { rig in
            async let run = rig.belay("run", try rig.file(revision: "v2", steps: "{setWeight: 100, hold: 6s}"))
            try await rig.until("the canary has all traffic") { rig.split == (0, 3) }
            rig.patch(
                "deployments", "cart",
                #"{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"2026-11-28T00:00:00Z"}}}}}"#
            )
            let ended = try await run
            #expect(ended.status == 0, "\(ended.words)")
            rig.checkClean(image: "cart:v2")
        }
    }

    @Test func `rescue returns the traffic from another machine, without a journal`() async throws {
        try await ReleaseRig.run { rig in
            let file = try rig.file(revision: "v2", steps: "{setWeight: 100, hold: 60s}")
            let killed = try await rig.belay("run", file, crash: "after-append:9")
            #expect(killed.status == 128 + 9)
            #expect(rig.selector == "cart-canary", "\(killed.words)")
            let rescue = try await rig.belay("rescue", file, journal: "none.db")
            #expect(rescue.status == 0, "\(rescue.words)")
            rig.checkClean(image: "cart:v1")
        }
    }

    @Test func `abort works from another machine with the kubeconfig alone, beside a driver that goes on`() async throws
    {
        try await ReleaseRig.run { rig in
            async let run = rig.belay("run", try rig.file(revision: "v2", steps: "{setWeight: 100, hold: 60s}"))
            try await rig.until("the canary has all traffic") { rig.split == (0, 3) }
            let abort = try await rig.belay("abort", "--deployment", "cart", journal: "none.db")
            #expect(abort.status == 0, "\(abort.words)")
            let ended = try await run
            #expect(ended.status == 3, "\(ended.words)")
            rig.checkClean(image: "cart:v1")
        }
    }
}
