import BelayCore
import BelayKubernetesDouble
import Foundation
import Testing

/// Scenarios of Argo Rollouts' own end-to-end tests that need no mesh. `docs/argo-scenarios.md` says for each of them what is the same
/// and what is not.
extension ClusterReleaseTests {
    private static let half = "{setWeight: 50, hold: 60s}"

    /// A share of a Deployment with another number of pods than three.
    private static func scale(_ rig: ReleaseRig, to count: Int) async throws {
        rig.patch("deployments", "cart", #"{"spec":{"replicas":\#(count)}}"#)
        try await rig.until("\(count) pods serve") { rig.split == (count, 0) }
        rig.server.double.advance(by: .seconds(1))
    }

    @Test
    func `RolloutAbortRetryPromote: one pod each, none of the canary's, one pod each again, then the new one alone`()
        async throws
    {
        try await ReleaseRig.run { rig in
            try await Self.scale(rig, to: 1)
            let file = try rig.file(revision: "v2", traffic: Self.shares, steps: Self.half)
            async let first = rig.belay("run", file)
            try await rig.until("one pod each") { rig.split == (1, 1) }
            #expect(try await rig.belay("abort", "cart").status == 0)
            #expect(try await first.status == 3)
            #expect(rig.split == (1, 0) && rig.image("cart") == "cart:v1")
            async let second = rig.belay("retry", "cart")
            try await rig.until("one pod each again") { rig.split == (1, 1) }
            try await rig.untilTold("watched ")
            #expect(try await rig.belay("promote", "cart", "--full", "--reason", "a test").status == 0)
            let ended = try await second
            #expect(ended.status == 0, "\(ended.words)")
            #expect(rig.split == (1, 0) && rig.image("cart") == "cart:v2" && rig.deployment("cart-canary") == nil)
        }
    }

    @Test
    func
        `GoodToBad, BadToGood: a version that never is ready leaves all of stable's pods, and the next one is released`()
        async throws
    {
        try await ReleaseRig.run { rig in
            try await Self.scale(rig, to: 4)
            for revision in ["v3-hang", "v4-crash"] {
                let file = try rig.file(revision: revision, traffic: Self.shares, steps: Self.half, deadline: "6s")
                let bad = try await rig.belay("run", file)
                #expect(bad.status == 1, "\(bad.words)")
                #expect(rig.split == (4, 0) && rig.image("cart") == "cart:v1" && rig.deployment("cart-canary") == nil)
            }
            let file = try rig.file(revision: "v5", traffic: Self.shares, steps: "{setWeight: 50, hold: 1s}")
            let good = try await rig.belay("run", file)
            #expect(good.status == 0, "\(good.words)")
            #expect(rig.split == (4, 0) && rig.image("cart") == "cart:v5")
        }
    }

    @Test func `ScalingWhenPaused: the canary follows stable's number at its share, and the pause goes on`()
        async throws
    {
        try await ReleaseRig.run { rig in
            try await Self.scale(rig, to: 1)
            let file = try rig.file(revision: "v2", traffic: Self.shares, steps: "{setWeight: 25, hold: 60s}")
            async let run = rig.belay("run", file)
            try await rig.until("one pod each: the nearest to 25 %") { rig.split == (1, 1) }
            try await rig.untilTold("watched ")
            #expect(try await rig.belay("pause", "cart").status == 0)
            rig.patch("deployments", "cart", #"{"spec":{"replicas":8}}"#)
            // Its share stays the one that was in force, which is half.
            try await rig.until("eight each") { rig.split == (8, 8) }
            rig.patch("deployments", "cart", #"{"spec":{"replicas":4}}"#)
            try await rig.until("four each") { rig.split == (4, 4) }
            #expect(try await rig.belay("status", "cart").words.contains("PAUSED"))
            _ = try await rig.belay("abort", "cart")
            #expect(try await run.status == 3)
            #expect(rig.split == (4, 0))
        }
    }

    @Test(
        "BlueGreenPrePromotionFail, BlueGreenPostPromotionFail: the Service is at the old version",
        arguments: ["prePromotionAnalysis", "postPromotionAnalysis"])
    func blueGreen(analysis: String) async throws {
        try await ReleaseRig.run { rig in
            let metric =
                "{name: bad, initialDelay: 1s, successCondition: 'result < 0.5', provider: {constant: {value: 1}}}"
            let strategy = "{blueGreen: {\(analysis): {hold: 60s, templates: [{metrics: [\(metric)]}]}}}"
            async let run = rig.belay("run", try rig.file(revision: "v2-ready1", strategy: strategy))
            if analysis == "prePromotionAnalysis" {
                try await rig.until("the preview is ready") { rig.endpoints(of: "cart-canary").count == 3 }
                #expect(rig.split == (3, 0))
            } else {
                try await rig.until("the Service is switched") { rig.split == (0, 3) }
            }
            let ended = try await run
            #expect(ended.status == 1 && ended.words.contains("bad"), "\(ended.words)")
            rig.checkClean(image: "cart:v1")
            #expect(rig.written.contains { $0.path.hasSuffix("deployments/cart") } == false)
        }
    }
}
