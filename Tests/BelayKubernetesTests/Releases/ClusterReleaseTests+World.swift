import BelayCore
import BelayKubernetesDouble
import Foundation
import Testing

@testable import BelayKubernetes

/// A world that is late, partial, or of two minds; and what stands beside a release: programs, a canary that stays.
extension ClusterReleaseTests {
    @Test(
        "endpoints that come late and in parts are waited for",
        arguments: ["service: {name: cart}", "replicas: {service: cart}"])
    func lateEndpoints(traffic: String) async throws {
        try await ReleaseRig.run { rig in
            rig.server.double.setPods { ($0.endpointsFollowAfter, $0.endpointsInSlice) = (.milliseconds(700), 2) }
            let steps = (traffic == Self.shares ? "{setWeight: 50, hold: 1s}, " : "") + "{setWeight: 100, hold: 2s}"
            let run = try await rig.belay("run", try rig.file(revision: "v2-ready1", traffic: traffic, steps: steps))
            #expect(run.status == 0, "\(run.words)")
            rig.checkClean(image: "cart:v2-ready1")
        }
    }

    @Test func `a write that the server refuses after it has taken the dry run changes nothing`() async throws {
        try await ReleaseRig.run { rig in
            rig.server.double.admit { [rig] type, object in
                let isClone = object["metadata"]?["labels"]?["belay.dev/clone"] != nil
                let hasBegun = rig.written.contains { $0.path.contains("leases") }
                return type.kind == "Deployment" && isClone && hasBegun
                    ? "policy 'freeze': no Deployments tonight" : nil
            }
            let run = try await rig.belay("run", try rig.file(revision: "v2", traffic: Self.shares))
            #expect(run.status == 1 && run.words.contains("no Deployments tonight"), "\(run.words)")
            rig.checkClean(image: "cart:v1")
        }
    }

    @Test func `an autoscaler whose minimum somebody puts back in a hold is held again, and given back`() async throws {
        try await ReleaseRig.run { rig in
            let path = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers"
            rig.server.make(
                path,
                #"{"metadata":{"name":"low"},"spec":{"minReplicas":2,"maxReplicas":9,"#
                    + #""scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"cart"}}}"#)
            func minimum() -> Int64? {
                rig.server.double.object("HorizontalPodAutoscaler", "shop", "low")?["spec"]?["minReplicas"]?.int
            }
            async let run = rig.belay("run", try rig.file(revision: "v2", steps: "{setWeight: 100, hold: 60s}"))
            try await rig.until("the canary has all traffic") { rig.split == (0, 3) }
            rig.patch("horizontalpodautoscalers", "low", #"{"spec":{"minReplicas":2}}"#)
            #expect(minimum() == 2)
            try await rig.until("it is held again") { minimum() == 3 }
            #expect(try await rig.belay("abort", "cart").status == 0)
            #expect(try await run.status == 3)
            #expect(minimum() == 2)
            rig.checkClean(image: "cart:v1")
        }
    }

    @Test func `Events that may not be created are missed by nobody`() async throws {
        try await ReleaseRig.run { rig in
            rig.server.double.admit { type, _ in type.kind == "Event" ? "no Events here" : nil }
            let run = try await rig.belay("run", try rig.file(revision: "v2"))
            #expect(run.status == 0, "\(run.words)")
            rig.checkClean(image: "cart:v2")
        }
    }

    @Test func `a canary that is to be kept stays without traffic after the way back, and then goes`() async throws {
        try await ReleaseRig.run { rig in
            let file = try rig.file(
                revision: "v2", steps: "{setWeight: 100, hold: 60s}", workload: "deployment: cart, keepCanary: 8s")
            async let run = rig.belay("run", file)
            try await rig.until("the canary has all traffic") { rig.split == (0, 3) }
            let abort = try await rig.belay("abort", "cart")
            #expect(abort.status == 0, "\(abort.words)")
            try await rig.untilTold("which stays without traffic for 8s at most")
            #expect(rig.split == (3, 0) && rig.deployment("cart-canary")?["spec"]?["replicas"]?.int == 3)
            let ended = try await run
            #expect(ended.status == 3, "\(ended.words)")
            rig.checkClean(image: "cart:v1")
        }
    }

    @Test(
        "a step's program runs beside a cluster, knows the canary's Service, and takes the traffic back where it fails",
        arguments: [true, false])
    func programs(succeeds: Bool) async throws {
        try await ReleaseRig.run { rig in
            let told = "\(rig.server.folder)/told"
            let script = "echo $1 > \(told); \(succeeds ? "true" : "echo smoke test failed; false")"
            let step =
                "{setWeight: 100, hold: 1s, run: {command: [/bin/sh, -c, '\(script)', smoke, '{{canary.service}}']}}"
            let run = try await rig.belay("run", try rig.file(revision: "v2", steps: step))
            #expect(run.status == (succeeds ? 0 : 1), "\(run.words)")
            #expect(try String(contentsOfFile: told, encoding: .utf8) == "cart-canary\n")
            if !succeeds { #expect(run.words.contains("smoke test failed"), "\(run.words)") }
            rig.checkClean(image: succeeds ? "cart:v2" : "cart:v1")
        }
    }

    // MARK: Undo

    @Test func `undo releases the former revision again, and knows where another one ran`() async throws {
        try await ReleaseRig.run { rig in
            let none = try await rig.belay("undo", "cart")
            #expect(none.status != 0, "\(none.words)")
            for revision in ["v2", "v3"] {
                let run = try await rig.belay("run", try rig.file(revision: revision, traffic: Self.shares))
                #expect(run.status == 0, "\(run.words)")
            }
            let undo = try await rig.belay("undo", "cart", "--reason", "slow")
            #expect(undo.status == 0 && undo.words.contains("v2 is released again"), "\(undo.words)")
            rig.checkClean(image: "cart:v2")
            rig.patch("deployments", "cart", rig.manifest(image: "cart:v9"))
            try await rig.until("v9 runs") { rig.split == (3, 0) && rig.image("cart") == "cart:v9" }
            try await rig.until("it is at rest") {
                let status = rig.deployment("cart")?["status"]
                return status?["updatedReplicas"]?.int == 3 && status?["replicas"]?.int == 3
            }
            let run = try await rig.belay("run", try rig.file(revision: "v4"))
            #expect(run.status == 0, "\(run.words)")
            let wrong = try await rig.belay("undo", "cart")
            #expect(wrong.status == 2 && wrong.words.contains("cart:v9 ran before"), "\(wrong.words)")
            rig.checkClean(image: "cart:v4")
        }
    }

    @Test func `undo of a release whose last hold is not over takes the traffic back at once`() async throws {
        try await ReleaseRig.run { rig in
            async let run = rig.belay("run", try rig.file(revision: "v2", steps: "{setWeight: 100, hold: 60s}"))
            try await rig.until("the canary has all traffic") { rig.split == (0, 3) }
            let undo = try await rig.belay("undo", "cart")
            #expect(undo.status == 0, "\(undo.words)")
            #expect(try await run.status == 3)
            rig.checkClean(image: "cart:v1")
        }
    }

    // MARK: Names

    private func pod(_ name: String, of set: String) -> ClusterLook.Pod {
        let owner: JSONValue = .members(["kind": "ReplicaSet", "name": .string(set), "controller": .bool(true)])
        let json: JSONValue = .members(["metadata": .members(["ownerReferences": .array([owner])])])
        return ClusterLook.Pod(name: name, deployment: "cart", set: nil, json: json)
    }

    @Test func `queries name the ReplicaSets that have pods now, and pods where a name was cut`() {
        let letters = "[bcdfghjklmnpqrstvwxz2456789]{5}"
        #expect(ClusterRouter.pattern(of: []) == nil)
        #expect(ClusterRouter.pattern(of: [pod("cart-b7d-x2x4z", of: "cart-b7d")]) == "(?:cart-b7d-\(letters))")
        let two = [pod("cart-b7d-x2x4z", of: "cart-b7d"), pod("cart-c8f-x2x4z", of: "cart-c8f")]
        #expect(ClusterRouter.pattern(of: two) == "(?:(cart-b7d|cart-c8f)-\(letters))")
        let long = String(repeating: "c", count: 60)
        let cut = String(long.prefix(58)) + "x2x4z"
        #expect(ClusterRouter.pattern(of: [pod(cut, of: long)]) == "(?:\(cut))")
        #expect(ClusterRouter.pattern(of: [pod("a.b-c-x2x4z", of: "a.b-c")]) == #"(?:a\\.b-c-"# + letters + ")")
    }
}
