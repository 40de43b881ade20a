import BelayCore
import BelayKubernetesDouble
import BelayPlatform
import Foundation
import Testing

/// What others do in the middle: people with kubectl, pipelines that apply manifests, a driver that slept.
extension ClusterReleaseTests {
    @Test(
        "a manifest of the Service that is put in place anew takes the traffic back to stable, or changes nothing",
        arguments: [("service: {name: cart}", 100), (shares, 100), (shares, 50)])
    func reapplied(traffic: String, weight: Int) async throws {
        try await ReleaseRig.run { rig in
            let hold = weight == 100 ? "60s" : "6s"
            let file = try rig.file(
                revision: "v2", traffic: traffic, steps: "{setWeight: \(weight), hold: \(hold)}, {setWeight: 100}",
                deadline: "20s")
            async let run = rig.belay("run", file)
            try await rig.until("the canary has its share") { rig.split == (weight == 100 ? 0 : 3, 3) }
            try await rig.untilTold("watched ")
            rig.replaceService(#"{"app":"cart"}"#)
            let ended = try await run
            if weight == 100 {
                #expect(ended.status == 3, "\(ended.words)")
                rig.checkClean(image: "cart:v1")
            } else {
                // Its selector is as it was; only the mark is gone, which is set again.
                #expect(ended.status == 0, "\(ended.words)")
                rig.checkClean(image: "cart:v2")
            }
        }
    }

    @Test func `a manifest of the Deployment that is applied anew changes nothing before the adoption`() async throws {
        try await ReleaseRig.run { rig in
            let file = try rig.file(
                revision: "v2", traffic: Self.shares, steps: "{setWeight: 50, hold: 6s}, {setWeight: 100, hold: 6s}")
            async let run = rig.belay("run", file)
            for split in [(3, 3), (0, 3)] {
                try await rig.until("the canary has its share") { rig.split == split }
                rig.patch("deployments", "cart", rig.manifest(image: "cart:v1"))
            }
            let ended = try await run
            #expect(ended.status == 0, "\(ended.words)")
            rig.checkClean(image: "cart:v2")
        }
    }

    @Test func `an adoption that somebody undoes leaves the traffic on the new version and calls a person`()
        async throws
    {
        try await ReleaseRig.run { rig in
            async let run = rig.belay("run", try rig.file(revision: "v2-ready4", deadline: "30s"))
            try await rig.until("stable is being brought to the new version") { rig.image("cart") == "cart:v2-ready4" }
            rig.patch("deployments", "cart", rig.manifest(image: "cart:v1"))
            try await rig.untilTold("changed by another hand")
            #expect(rig.split == (0, 3) && rig.image("cart") == "cart:v1")
            _ = try await rig.belay("abort", "cart")
            let ended = try await run
            #expect(ended.status == 3, "\(ended.words)")
            rig.checkClean(image: "cart:v1")
        }
    }

    @Test func `a Lease and a ConfigMap that somebody removes are missed by nobody`() async throws {
        try await ReleaseRig.run { rig in
            let steps = "{setWeight: 50, hold: 5s}, {setWeight: 100, hold: 5s}"
            async let run = rig.belay("run", try rig.file(revision: "v2", traffic: Self.shares, steps: steps))
            try await rig.until("half of the pods have traffic") { rig.split == (3, 3) }
            rig.remove("/apis/coordination.k8s.io/v1/namespaces/shop/leases/belay-cart")
            rig.remove("/api/v1/namespaces/shop/configmaps/belay-cart")
            let ended = try await run
            #expect(ended.status == 0, "\(ended.words)")
            rig.checkClean(image: "cart:v2")
        }
    }

    @Test func `a Service that is another one of the same name ends the release at stable`() async throws {
        try await ReleaseRig.run(isServed: false) { rig in
            let file = try rig.file(
                revision: "v2", traffic: Self.shares, steps: "{setWeight: 50, hold: 60s}", deadline: "20s")
            async let run = rig.belay("run", file)
            try await rig.until("half of the pods have traffic") { rig.split == (3, 3) }
            rig.remove("/api/v1/namespaces/shop/services/cart")
            rig.server.make(
                "/api/v1/namespaces/shop/services",
                #"{"metadata":{"name":"cart"},"spec":{"selector":{"app":"cart"},"ports":[{"port":80,"targetPort":8080}]}}"#
            )
            let ended = try await run
            #expect(ended.status == 3 && ended.words.contains("it was made anew"), "\(ended.words)")
            rig.checkClean(image: "cart:v1")
        }
    }

    @Test("a driver that wakes up late changes nothing any more", arguments: ["service: {name: cart}", shares])
    func suspended(traffic: String) async throws {
        try await ReleaseRig.run { rig in
            let steps =
                traffic == Self.shares ? "{setWeight: 50, hold: 6s}, {setWeight: 100}" : "{setWeight: 100, hold: 6s}"
            let file = try rig.file(revision: "v2", traffic: traffic, steps: steps)
            async let run = rig.belay("run", file)
            try await rig.until("the canary has traffic") { rig.split.canary == 3 }
            let pid = try #require(rig.driver)
            kill(pid, SIGSTOP)
            defer { kill(pid, SIGCONT) }
            let abort = try await rig.belay("abort", "--deployment", "cart", journal: "none.db")
            #expect(abort.status == 0, "\(abort.words)")
            #expect(rig.split == (3, 0))
            let before = rig.written.count
            kill(pid, SIGCONT)
            let ended = try await run
            #expect(ended.status == 3, "\(ended.words)")
            let late = rig.written.dropFirst(before).filter { write in
                (write.body.array ?? []).contains {
                    $0["path"]?.string == "/spec/selector" || $0["path"]?.string == "/spec/replicas"
                }
                    && rig.split.canary > 0
            }
            #expect(late.isEmpty)
            rig.checkClean(image: "cart:v1")
        }
    }

    @Test(
        "a canary behind the selector that somebody takes away gives the traffic back",
        arguments: ["scaled", "deleted"])
    func canaryTaken(hand: String) async throws {
        try await ReleaseRig.run(isServed: false) { rig in  // The hand itself empties the Service.
            async let run = rig.belay("run", try rig.file(revision: "v2", steps: "{setWeight: 100, hold: 60s}"))
            try await rig.until("the canary has all traffic") { rig.split == (0, 3) }
            try await rig.untilTold("watched ")
            if hand == "scaled" {
                rig.patch("deployments", "cart-canary", #"{"spec":{"replicas":0}}"#)
            } else {
                rig.remove("/apis/apps/v1/namespaces/shop/deployments/cart-canary")
            }
            let ended = try await run
            #expect(ended.status == 3 && ended.words.contains("`cart-canary`"), "\(ended.words)")
            #expect(hand == "deleted" || ended.words.contains("(kubectl-edit)"), "\(ended.words)")
            rig.checkClean(image: "cart:v1")
        }
    }
}
