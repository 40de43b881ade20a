import BelayCore
import BelayKubernetesDouble
import Foundation
import Testing

/// Steps that state their numbers of pods.
extension ClusterReleaseTests {
    private static let steps = """
        {setWeight: 10, scale: {stable: 2, canary: 1}, hold: 2s}, {setWeight: 50, scale: {stable: 1, canary: 1}, hold: 2s},
        {setWeight: 100, scale: {stable: 0, canary: 2}, hold: 4s}
        """

    @Test func `numbers that the steps state are the ones that serve, and stable has its own at the end`() async throws
    {
        try await ReleaseRig.run { rig in
            let file = try rig.file(revision: "v2-ready1", traffic: Self.shares, steps: Self.steps)
            let plan = try await rig.belay("plan", file)
            for words in [
                "33.33 % (nearest to 10 %)", "2 of cart and 1 of cart-canary, 3 pods in all",
                "0 of cart and 2 of cart-canary, 2 pods in all", "cart gets its pods back",
            ] {
                #expect(plan.words.contains(words), "\(words) is not in \(plan.words)")
            }
            async let run = rig.belay("run", file)
            for split in [(2, 1), (1, 1), (0, 2)] {
                try await rig.until("\(split) pods have the traffic") { rig.split == split }
            }
            let ended = try await run
            #expect(ended.status == 0, "\(ended.words)")
            rig.checkClean(image: "cart:v2-ready1")
        }
    }

    @Test("from every step the way back raises stable first", arguments: [(2, 1), (1, 1), (0, 2)])
    func countedAborts(stable: Int, canary: Int) async throws {
        try await ReleaseRig.run { rig in
            let share = stable == 0 ? 100 : 50
            let step = "{setWeight: \(share), scale: {stable: \(stable), canary: \(canary)}, hold: 60s}"
            let last = share == 100 ? "" : ", {setWeight: 100, scale: {stable: 0, canary: 2}}"
            let file = try rig.file(revision: "v2-ready1", traffic: Self.shares, steps: step + last)
            async let run = rig.belay("run", file)
            try await rig.until("the numbers are there") { rig.split == (stable, canary) }
            try await rig.untilTold("watched ")
            rig.server.double.setPods { $0.becomesReady = true }
            let abort = try await rig.belay("abort", "cart")
            #expect(abort.status == 0, "\(abort.words)")
            #expect(try await run.status == 3)
            rig.checkClean(image: "cart:v1")
        }
    }

    @Test(
        "a driver that is killed between the two sides is succeeded",
        arguments: ["after-write:1", "after-write:2", "after-write:4", "after-action:3", "after-action:4"])
    func countedKills(crash: String) async throws {
        try await ReleaseRig.run { rig in
            let file = try rig.file(revision: "v2-ready1", traffic: Self.shares, steps: Self.steps)
            let killed = try await rig.belay("run", file, crash: crash)
            #expect(killed.status == 128 + 9, "\(killed.words)")
            let resumed = try await rig.belay("resume", "cart")
            #expect(resumed.status == 0, "\(killed.words)\n\(resumed.words)")
            rig.checkClean(image: "cart:v2-ready1")
        }
    }

    @Test("rescue with the file raises stable first, too", arguments: ["--deployment", "file"])
    func countedRescue(by: String) async throws {
        try await ReleaseRig.run { rig in
            // More of stable's than there were, and then none: both are put right.
            let steps =
                "{setWeight: 20, scale: {stable: 4, canary: 1}, hold: 1s}, {setWeight: 100, scale: {stable: 0, canary: 2}, hold: 60s}"
            let file = try rig.file(revision: "v2", traffic: Self.shares, steps: steps)
            async let run = rig.belay("run", file)
            try await rig.until("stable has one more") { rig.split == (4, 1) }
            try await rig.until("the canary has all traffic") { rig.split == (0, 2) }
            let pid = try #require(rig.driver)
            kill(pid, SIGKILL)
            _ = try await run
            let rescue =
                by == "file"
                ? try await rig.belay("rescue", file, journal: "none.db")
                : try await rig.belay("rescue", "--deployment", "cart", journal: "none.db")
            #expect(rescue.status == 0, "\(rescue.words)")
            rig.checkClean(image: "cart:v1")
        }
    }

    @Test func `a step with more pods of stable's than there were leaves none of them behind`() async throws {
        try await ReleaseRig.run { rig in
            let steps =
                "{setWeight: 10, scale: {stable: 5, canary: 1}, hold: 60s}, {setWeight: 100, scale: {stable: 0, canary: 2}}"
            async let run = rig.belay("run", try rig.file(revision: "v6-dies4", traffic: Self.shares, steps: steps))
            try await rig.until("stable has two more") { rig.split == (5, 1) }
            #expect(try await run.status == 1)
            try await rig.until("stable has its own number") { rig.split == (3, 0) }
            rig.checkClean(image: "cart:v1")
        }
    }

    @Test func `an adoption that fails leaves the traffic on the stated pods`() async throws {
        try await ReleaseRig.run { rig in
            let step = "{setWeight: 100, scale: {stable: 0, canary: 2}, hold: 4s}"
            async let run = rig.belay(
                "run", try rig.file(revision: "v2", traffic: Self.shares, steps: step, deadline: "15s"))
            try await rig.until("the canary has all traffic") { rig.split == (0, 2) }
            rig.server.double.setPods { $0.becomesReady = false }
            try await rig.until("stable is being brought to the new version") { rig.image("cart") == "cart:v2" }
            try await rig.until("its template is put back") { rig.image("cart") == "cart:v1" }
            rig.server.double.setPods { $0.becomesReady = true }
            try await rig.untilTold("its template is put back, and the traffic stays where it is")
            #expect(rig.split == (0, 2))
            _ = try await rig.belay("abort", "cart")
            let ended = try await run
            #expect(ended.status == 3, "\(ended.words)")
            rig.checkClean(image: "cart:v1")
        }
    }

    @Test func `a number of stable's that somebody changes takes the traffic back, and rescue needs no file`()
        async throws
    {
        try await ReleaseRig.run { rig in
            let steps =
                "{setWeight: 50, scale: {stable: 1, canary: 1}, hold: 60s}, {setWeight: 100, scale: {stable: 0, canary: 2}}"
            let file = try rig.file(revision: "v2-ready1", traffic: Self.shares, steps: steps)
            async let run = rig.belay("run", file)
            try await rig.until("both have one") { rig.split == (1, 1) }
            try await rig.untilTold("watched ")
            rig.patch("deployments", "cart", #"{"spec":{"replicas":2}}"#)
            let ended = try await run
            #expect(ended.status == 3 && ended.words.contains("2 pods of `cart` in place of 1"), "\(ended.words)")
            rig.checkClean(image: "cart:v1")
            let killed = try await rig.belay("run", file, crash: "after-append:11")
            #expect(killed.status == 128 + 9, "\(killed.words)")
            let rescue = try await rig.belay("rescue", "--deployment", "cart", journal: "none.db")
            #expect(rescue.status == 0, "\(rescue.words)")
            rig.checkClean(image: "cart:v1")
        }
    }
}
