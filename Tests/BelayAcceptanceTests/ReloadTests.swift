import BelayDemo
import Testing

/// What a reload leaves behind.
extension RouterTests {
    @Test func `an earlier process that still serves after a reload is said, and waited for within the bound`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.rig.startBlue()
            try await stage.rig.startGreen(delay: 60_000)
            let run = try await stage.start([
                "run", try stage.file(Stage.canary([50, 100], hold: "120s"), analysis: Stage.noGate),
            ])
            try await stage.expect(run, says: "router confirms: 50 %")
            let load = Load(port: stage.rig.frontends[0], connections: 6, perSecond: 60, life: 60)
            defer { load.stop() }
            try await Rig.until("a request hangs on the canary") { stage.rig.sessions(of: "app_green") > 0 }
            try await stage.rig.reloadHAProxy()
            try await stage.expect(run, says: "still serves its open connections")
            #expect(try await stage.belay("abort").code == 0)
            #expect(stage.rig.value() == "0")
            #expect(await run.wait() == 3, "\(run.output)")
            #expect(run.output.contains("not known: what an earlier process"), "\(run.output)")
        }
    }
}
