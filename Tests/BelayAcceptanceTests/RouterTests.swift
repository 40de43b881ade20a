import BelayDemo
import Foundation
import Testing

/// What happens to the router, and who else touches it.
@Suite("The router in the world", .serialized)
struct RouterTests {
    @Test func `blue-green switches at once after an approval, and back when denied`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let strategy = """
                    blueGreen:
                      settle: 0s
                      approval: {count: 1, timeout: 1m}
                      postPromotionAnalysis: {templates: [], hold: 1s}
                """
            let file = try stage.file(strategy, analysis: Stage.noGate)
            let run = try await stage.start(["run", file])
            try await stage.expect(run, says: "waits for approval")
            #expect(stage.rig.value() == "0")
            #expect(try await stage.belay("wait", "--for", "paused").code == 4)
            #expect(try await stage.belay("approve", "app", "--reason", "looks good").code == 0)
            #expect(await run.wait() == 0, "\(run.output)")
            #expect(stage.rig.value() == "10000")
            let second = try await stage.start(["run", file])
            try await stage.expect(second, says: "waits for approval")
            #expect(try await stage.belay("deny", "app").code == 0)
            #expect(await second.wait() == 3)
            #expect(stage.rig.value() == "10000")
        }
    }

    @Test func `abort at 50 % returns when the router has confirmed it`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let run = try await stage.start([
                "run", try stage.file(Stage.canary([50, 100], hold: "60s"), analysis: Stage.noGate),
            ])
            try await stage.expect(run, says: "router confirms: 50 %")
            #expect(stage.rig.value() == "5000")
            let abort = try await stage.belay("abort", "app", "--reason", "wrong build", "--actor", "carol")
            #expect(abort.code == 0, "\(abort.text)")
            #expect(stage.rig.value() == "0")
            #expect(stage.rig.fileValue == "0")
            #expect(await run.wait() == 3)
            #expect(run.output.contains("aborted by carol: wrong build"))
        }
    }

    @Test func `abort of an orphan does it itself`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let run = try await stage.start([
                "run", try stage.file(Stage.canary([50, 100], hold: "60s"), analysis: Stage.noGate),
            ])
            try await stage.expect(run, says: "router confirms: 50 %")
            run.signal(SIGKILL)
            _ = await run.wait()
            #expect(try await stage.belay("status").text.contains("nobody drives it"))
            let abort = try await stage.belay("abort", "app")
            #expect(abort.code == 0, "\(abort.text)")
            #expect(stage.rig.value() == "0")
        }
    }

    @Test func `abort fences out a driver that does not answer`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let run = try await stage.start([
                "run", try stage.file(Stage.canary([50, 100], hold: "60s"), analysis: Stage.noGate),
            ])
            try await stage.expect(run, says: "router confirms: 50 %")
            run.signal(SIGSTOP)
            let abort = try await stage.belay("abort", "app")
            #expect(abort.code == 0, "\(abort.text)")
            #expect(stage.rig.value() == "0")
            run.signal(SIGCONT)
            #expect(await run.wait() == 7, "\(run.output)")
            #expect(stage.rig.value() == "0")
        }
    }

    @Test func `another hand's share is an abort with that cause`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let run = try await stage.start([
                "run", try stage.file(Stage.canary([50, 100], hold: "60s"), analysis: Stage.noGate),
            ])
            try await stage.expect(run, says: "router confirms: 50 %")
            stage.rig.setValue(7000)
            #expect(await run.wait() == 3, "\(run.output)")
            #expect(run.output.contains("changed to 70 % by another hand"))
            #expect(stage.rig.value() == "0")
        }
    }

    @Test func `a reload at 25 % keeps the share, and no request is lost`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let load = Load(port: stage.rig.frontends[0], perSecond: 100, life: 60)
            let run = try await stage.start([
                "run", try stage.file(Stage.canary([25, 100], hold: "5s"), analysis: Stage.noGate),
            ])
            try await stage.expect(run, says: "router confirms: 25 %")
            try await stage.rig.reloadHAProxy()
            try await stage.expect(run, says: "router was reloaded")
            #expect(stage.rig.value() == "2500")
            #expect(await run.wait() == 0, "\(run.output)")
            #expect(stage.rig.value() == "10000")
            load.stop()
            #expect(load.failed.isEmpty, "\(load.failed.count) of \(load.samples.count): \(load.lastError)")
        }
    }

    @Test func `a reload that finds an older share of ours is asserted over`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let file = try stage.file(Stage.canary([25, 100], hold: "1s"), analysis: Stage.noGate)
            // The pin to 0 is the first write, the raise to 25 % the second: killed before the file was written.
            let run = try await stage.start(
                ["run", file], environment: ["BELAY_CRASH_AT": "between-runtime-and-file:2"])
            _ = await run.wait()
            #expect(stage.rig.value() == "2500" && stage.rig.fileValue == "0", "\(run.output)")
            try await stage.rig.reloadHAProxy()
            #expect(stage.rig.value() == "0")
            let resumed = try await stage.belay("resume")
            #expect(resumed.code == 0, "\(resumed.text)")
            #expect(resumed.text.contains("router was reloaded"))
            #expect(stage.rig.value() == "10000" && stage.rig.fileValue == "10000")
        }
    }

    @Test func `another hand in the map's file is seen before a reload, and answered by stable`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let run = try await stage.start([
                "run", try stage.file(Stage.canary([50, 100], hold: "60s"), analysis: Stage.noGate),
            ])
            try await stage.expect(run, says: "router confirms: 50 %")
            try "app 9000\n".write(toFile: stage.rig.mapFile, atomically: true, encoding: .utf8)
            #expect(await run.wait() == 3, "\(run.output)")
            #expect(run.output.contains("90 %, for the next reload"))
            #expect(stage.rig.value() == "0" && stage.rig.fileValue == "0")
        }
    }

    @Test func `a value that is no share is another hand's, and stable is written over it at once`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let run = try await stage.start([
                "run", try stage.file(Stage.canary([50, 100], hold: "60s"), analysis: Stage.noGate),
            ])
            try await stage.expect(run, says: "router confirms: 50 %")
            stage.rig.setValue(99_999)
            #expect(await run.wait() == 3, "\(run.output)")
            #expect(run.output.contains("`99999` in the map"))
            #expect(stage.rig.value() == "0")
        }
    }

    @Test func `a file that disagrees with the runtime, and one without the key, are refused by name`() async throws {
        try await Stage.with { stage in
            let file = try stage.file(Stage.canary([50, 100], hold: "1s"), analysis: Stage.noGate)
            for (text, words) in [("app 10000\n", "says 10000, and HAProxy holds 0"), ("", "has no key `app`")] {
                try text.write(toFile: stage.rig.mapFile, atomically: true, encoding: .utf8)
                let run = try await stage.belay("run", file)
                #expect(run.code == 2 && run.text.contains(words), "\(run.text)")
                #expect(try String(contentsOfFile: stage.rig.mapFile, encoding: .utf8) == text)
            }
        }
    }

    @Test func `HAProxy down in the middle of a step stops the clock, and it goes on when it is back`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let run = try await stage.start([
                "run", try stage.file(Stage.canary([25, 100], hold: "3s"), analysis: Stage.noGate),
            ])
            try await stage.expect(run, says: "router confirms: 25 %")
            await stage.rig.stopHAProxy()
            try await stage.expect(run, says: "router out of reach")
            try await stage.rig.startHAProxy()
            try await stage.expect(run, says: "router reached again")
            #expect(await run.wait() == 0, "\(run.output)")
            #expect(stage.rig.value() == "10000")
        }
    }

    @Test func `two instances are driven together; with one stopped a raise never counts, and the way back does`()
        async throws
    {
        try await Stage.with(instances: 2) { stage in
            try await stage.serve()
            let strategy = Stage.canary([25, 50, 100], hold: "2s", extra: "      progressDeadline: 3s\n")
            let run = try await stage.start(["run", try stage.file(strategy, analysis: Stage.noGate)])
            try await stage.expect(run, says: "router confirms: 25 %")
            #expect(stage.rig.value(0) == "2500" && stage.rig.value(1) == "2500")
            await stage.rig.stopHAProxy(1)
            #expect(await run.wait() == 1, "\(run.output)")
            #expect(stage.rig.value(0) == "0")
            #expect(stage.rig.fileValue == "0")
            try await stage.rig.startHAProxy(1)
            #expect(stage.rig.value(1) == "0")
        }
    }

    @Test func `in a map with other keys they stay`() async throws {
        try await Stage.with(otherKeys: "neighbour 4200\n") { stage in
            try await stage.serve()
            let file = try stage.file(Stage.canary([50, 100], hold: "500ms"), analysis: Stage.noGate)
            #expect(try await stage.belay("plan", file).text.contains("the map has other keys"))
            #expect(try await stage.belay("run", file).code == 0)
            #expect(stage.rig.value() == "10000")
            #expect(try String(contentsOfFile: stage.rig.mapFile, encoding: .utf8).contains("neighbour 4200"))
        }
    }

    @Test func `a router that is split already is refused, and a socket that does not answer is exit 8`() async throws {
        try await Stage.with { stage in
            let file = try stage.file(Stage.canary([50, 100], hold: "1s"), analysis: Stage.noGate)
            stage.rig.setValue(3000)
            let split = try await stage.belay("run", file)
            #expect(split.code == 2, "\(split.text)")
            #expect(split.text.contains("split already"))
            #expect(stage.rig.value() == "3000")
            stage.rig.setValue(0)
            let wrong = try await stage.belay("run", file, "--set", "spec.traffic.haproxy.sides.green=nope")
            #expect(wrong.code == 2 && wrong.text.contains("no backend `nope`"), "\(wrong.text)")
            await stage.rig.stopHAProxy()
            #expect(try await stage.belay("run", file).code == 8)
        }
    }

    @Test func `a cancelled job takes the traffic back; with leave it stays for resume`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let file = try stage.file(Stage.canary([50, 100], hold: "2s"), analysis: Stage.noGate)
            let run = try await stage.start(["run", file])
            try await stage.expect(run, says: "router confirms: 50 %")
            run.signal(SIGTERM)
            #expect(await run.wait() == 3, "\(run.output)")
            #expect(stage.rig.value() == "0")
            let left = try await stage.start(["run", file, "--on-cancel", "leave"])
            try await stage.expect(left, says: "router confirms: 50 %")
            left.signal(SIGINT)
            #expect(await left.wait() == 130, "\(left.output)")
            #expect(stage.rig.value() == "5000")
            #expect(try await stage.belay("resume").code == 0)
            #expect(stage.rig.value() == "10000")
        }
    }

    @Test func `rescue returns the traffic with no journal at all`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let file = try stage.file(Stage.canary([50, 100], hold: "60s"), analysis: Stage.noGate)
            let run = try await stage.start(["run", file])
            try await stage.expect(run, says: "router confirms: 50 %")
            run.signal(SIGKILL)
            _ = await run.wait()
            for suffix in ["", "-wal", "-shm", ".reserve"] { unlink(stage.store + suffix) }
            // Another store must not drive it.
            let other = try await stage.belay("run", file)
            #expect(other.code == 7, "\(other.text)")
            let rescue = try await stage.belay("rescue", file)
            #expect(rescue.code == 0, "\(rescue.text)")
            #expect(stage.rig.value() == "0")
            #expect(stage.rig.fileValue == "0")
            #expect(!FileManager.default.fileExists(atPath: stage.rig.mapFile + ".app.owner"))
            #expect(try await stage.belay("rescue", file).code == 2)
            #expect(try await stage.belay("rescue", file, "--stable", "green").code == 0)
            #expect(stage.rig.value() == "10000")
        }
    }

    @Test func `of two drivers one drives, from one store and from two`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let file = try stage.file(Stage.canary([50, 100], hold: "3s"), analysis: Stage.noGate)
            let run = try await stage.start(["run", file, "--key", "build-7"])
            try await stage.expect(run, says: "router confirms: 50 %")
            let same = try await stage.belay("run", file)
            #expect(same.code == 7, "\(same.text)")
            let other = try await stage.belay("run", file, store: stage.rig.folder + "/other.db")
            #expect(other.code == 7, "\(other.text)")
            #expect(other.text.contains("app-"))
            let attached = try await stage.belay("run", file, "--key", "build-7")
            #expect(attached.code == 0, "\(attached.text)")
            #expect(await run.wait() == 0, "\(run.output)")
        }
    }

    @Test func `drivers started at the same instant: one drives, the others are refused`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let file = try stage.file(Stage.canary([50, 100], hold: "1s"), analysis: Stage.noGate)
            var runs: [LocalProcess] = []
            for index in 0..<4 {
                runs.append(
                    try await stage.start(["run", file], store: index < 2 ? nil : stage.rig.folder + "/other.db"))
            }
            var codes: [Int32] = []
            for run in runs { codes.append(await run.wait()) }
            #expect(codes.filter { $0 == 0 }.count >= 1, "\(codes)")
            let words = zip(codes, runs).filter { $0.0 != 0 && $0.0 != 7 }.map(\.1.output)
            #expect(codes.allSatisfy { $0 == 0 || $0 == 7 }, "\(codes) \(words)")
            // Whoever drove, drove alone: no two of the rollouts overlap, in whichever store they are.
            var spans: [(String, String)] = []
            for store in [stage.store, stage.rig.folder + "/other.db"] {
                for line in try await stage.belay("list", "--output", "json", store: store).text.split(separator: "\n")
                {
                    let item = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String]
                    guard let item, item["outcome"] == "promoted" else { continue }
                    spans.append((item["started"]!, item["finished"]!))
                }
            }
            #expect(spans.count == codes.filter { $0 == 0 }.count)
            let sorted = spans.sorted { $0.0 < $1.0 }
            for (earlier, later) in zip(sorted, sorted.dropFirst()) { #expect(earlier.1 <= later.0) }
        }
    }

    @Test func `an operator's day: wait, pause, resume, skip, promote, retry, and the record of it`() async throws {
        try await Stage.with { stage in
            try await stage.serve()
            let strategy = Stage.canary([10, 50, 100], hold: "300s")
            let file = try stage.file(strategy, analysis: Stage.noGate)
            #expect(try await stage.belay("lint", file).code == 0)
            #expect(try await stage.belay("doctor", file).code == 0)
            let run = try await stage.start(["run", file, "--output", "json"])
            try await stage.expect(run, says: "router confirms: 10 %")
            #expect(try await stage.belay("pause", "app", "--reason", "lunch", "--actor", "dora").code == 0)
            #expect(try await stage.belay("status").text.contains("PAUSED by dora: lunch"))
            #expect(try await stage.belay("wait", "--for", "paused", "--timeout", "5s").code == 4)
            #expect(try await stage.belay("resume").code == 0)
            #expect(try await stage.belay("skip", "nothing", "app").code == 1)
            #expect(try await stage.belay("promote", "app").code == 0)
            #expect(try await stage.belay("wait", "--for", "step=2", "--timeout", "5s").code == 0)
            #expect(try await stage.belay("wait", "--timeout", "200ms").code == 5)
            try await stage.expect(run, says: "router confirms: 50 %")
            #expect(try await stage.belay("promote", "app", "--full").code == 0)
            try await stage.expect(run, says: "router confirms: 100 %")
            #expect(try await stage.belay("promote", "app").code == 0)
            #expect(await run.wait() == 0, "\(run.output)")
            for line in run.output.split(separator: "\n") where line.hasPrefix("{") {
                _ = try JSONSerialization.jsonObject(with: Data(line.utf8))
            }
            #expect(try await stage.belay("promote", "app").code == 1)
            let events = try await stage.belay("events", "--output", "json")
            for line in events.text.split(separator: "\n") {
                _ = try JSONSerialization.jsonObject(with: Data(line.utf8))
            }
            #expect(events.text.contains("\"reason\":\"lunch\""))
            #expect(try await stage.belay("show").text.contains("pause by dora (system user "))
            // The frozen plan made green the canary, and green has all traffic now.
            #expect(try await stage.belay("retry").code == 2)
            let aborted = try await stage.start(["run", file])
            try await stage.expect(aborted, says: "router confirms: 10 %")
            #expect(try await stage.belay("abort").code == 0)
            #expect(await aborted.wait() == 3)
            let retried = try await stage.start(["retry"])
            try await stage.expect(retried, says: "router confirms: 10 %")
            #expect(try await stage.belay("abort").code == 0)
            #expect(await retried.wait() == 3)
        }
    }

    @Test
    func `after an abort new requests go to stable at once, and what hangs on the canary is cut within the bound`()
        async throws
    {
        try await Stage.withHangingRequest { (stage, run) async throws in
            #expect(try await stage.belay("abort").code == 0)
            #expect(stage.rig.value() == "0")
            #expect(await run.wait() == 3, "\(run.output)")
            #expect(stage.rig.sessions(of: "app_green") == 0)
        }
    }
}
