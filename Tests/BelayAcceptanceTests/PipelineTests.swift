import BelayDemo
import Foundation
import Testing

/// What a job runs and shows: the action, the step of Jenkins and the shell's example as they lie in `deploy`, and the files they leave.
@Suite("In a pipeline", .serialized)
struct PipelineTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
    private static let deploy = root + "/deploy"
    private static let peers = root + "/.build/peers/python/bin"
    private static var hasPeers: Bool { FileManager.default.isExecutableFile(atPath: peers + "/check-jsonschema") }
    private static var hasBrowser: Bool { FileManager.default.isExecutableFile(atPath: "/usr/bin/chromium") }

    private static func read(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    /// The script of the action's step.
    private static func actionScript() throws -> String {
        let text = try read(deploy + "/github-action/action.yml")
        let script = text.components(separatedBy: "      run: |\n").last ?? ""
        return script.split(separator: "\n").map { $0.dropFirst(8) }.joined(separator: "\n")
    }

    /// What the runner sets for a step.
    private static func github(_ stand: Stand, _ more: [String: String] = [:]) throws -> [String: String] {
        let empty = ["REVISION", "SET", "TIMEOUT", "REASON", "DB", "JUNIT", "REPORT"]
        var environment = Dictionary(uniqueKeysWithValues: empty.map { ("INPUT_\($0)", "") })
        environment["INPUT_KEY"] = "7-1"
        environment["INPUT_ON_CANCEL"] = "rollback"
        environment["INPUT_BELAY"] = Stage.belay
        environment["GITHUB_ACTIONS"] = "true"
        for name in ["OUTPUT", "STEP_SUMMARY"] {
            let path = "\(stand.folder)/\(name)"
            try "".write(toFile: path, atomically: true, encoding: .utf8)
            environment["GITHUB_\(name)"] = path
        }
        return environment.merging(more) { $1 }
    }

    /// Runs a script as the runner does.
    private static func bash(_ stand: Stand, _ script: String, _ environment: [String: String]) async throws
        -> LocalProcess
    {
        let path = stand.folder + "/step.sh"
        try script.write(toFile: path, atomically: true, encoding: .utf8)
        let own = ["BELAY_DB": stand.folder + "/belay.db", "NO_COLOR": "1"]
        return try await LocalProcess.start(
            "bash", ["--noprofile", "--norc", "-e", "-o", "pipefail", path],
            environment: own.merging(environment) { $1 },
            log: stand.folder + "/step.log")
    }

    @Test func `the action's step releases, and leaves outputs, summary, JUnit and the evidence`() async throws {
        try await Stand.with { stand in
            let evil = "a\n::error::b"
            let environment = try Self.github(
                stand,
                [
                    "INPUT_FILE": try stand.file([50, 100], hold: "0s"), "INPUT_REASON": evil,
                    "INPUT_JUNIT": "\(stand.folder)/j.xml", "INPUT_REPORT": "\(stand.folder)/evidence",
                    "INPUT_SET": "spec.revision=3\n", "GITHUB_RUN_ID": "42",
                ])
            let step = try await Self.bash(stand, try Self.actionScript(), environment)
            #expect(await step.wait() == 0, "\(step.output)")
            let outputs = stand.lines("OUTPUT")
            #expect(outputs.contains("outcome=promoted") && outputs.contains("weight=100.0"), "\(outputs)")
            #expect(
                outputs.contains { $0.hasPrefix("rollout-id=app-") } && outputs.contains("exit-code=0"), "\(outputs)")
            let log = step.output.split(separator: "\n").map(String.init)
            #expect(log.filter { $0.hasPrefix("::group::") }.count == 2, "\(log)")
            #expect(
                log.filter { $0 == "::endgroup::" }.count == 2 && !log.contains { $0.hasPrefix("::error") }, "\(log)")
            #expect(log.contains { $0.hasPrefix("::notice title=app-") }, "\(log)")
            #expect(try Self.read(stand.folder + "/STEP_SUMMARY").hasPrefix("## ✅ Promoted"))
            let junit = try Self.read(stand.folder + "/j.xml")
            #expect(junit.contains("<property name=\"revision\" value=\"3\"/>") && junit.contains("github.run-id"))
            let json = try JSONSerialization.jsonObject(
                with: Data(contentsOf: URL(fileURLWithPath: stand.folder + "/evidence/evidence.json")))
            #expect((json as? [String: Any])?["outcome"] as? String == "promoted")
        }
    }

    @Test(
        "a cancelled step takes the traffic back, since the signal reaches Belay itself", arguments: [SIGINT, SIGTERM])
    func cancelled(signal: Int32) async throws {
        try await Stand.with { stand in
            let environment = try Self.github(stand, ["INPUT_FILE": try stand.file([50, 100], hold: "60s")])
            let step = try await Self.bash(stand, try Self.actionScript(), environment)
            try await stand.expect(step, says: "router confirms: 50 %")
            step.signal(signal)
            #expect(await step.wait() == 3, "\(step.output)")
            #expect(stand.share == "0")
            #expect(stand.lines("OUTPUT").contains("outcome=rolled-back"))
            #expect(step.output.contains("::error title=app-"), "\(step.output)")
        }
    }

    @Test func `the shell part of the step for Jenkins releases with the one who approved as its actor`() async throws {
        try await Stand.with { stand in
            let script = try Self.read(Self.deploy + "/jenkins/resources/belay-run.sh")
            let folder = URL(fileURLWithPath: Stage.belay).deletingLastPathComponent().path
            let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
            let step = try await Self.bash(
                stand, script,
                [
                    "PATH": "\(folder):\(path)", "BELAY_STEP_FILE": try stand.file([100], hold: "0s"),
                    "BELAY_STEP_REVISION": "5", "BELAY_STEP_KEY": "jenkins-app-7", "BELAY_STEP_REASON": "",
                    "BELAY_STEP_JUNIT": "\(stand.folder)/j.xml", "BELAY_STEP_REPORT": "\(stand.folder)/evidence",
                    "BELAY_ACTOR": "carol", "BUILD_URL": "https://jenkins/job/app/7/",
                ])
            #expect(await step.wait() == 0, "\(step.output)")
            #expect(try Self.read(stand.folder + "/j.xml").contains("jenkins.build-url"))
            #expect(try Self.read(stand.folder + "/evidence/index.html").contains("carol"))
        }
    }

    @Test(
        "what lies in deploy is what the systems' schemas allow", .enabled(if: hasPeers),
        arguments: [
            ("vendor.github-actions", "github-action/action.yml"),
            ("vendor.github-workflows", "github-action/example-workflow.yml"),
            ("vendor.gitlab-ci", "gitlab/.gitlab-ci.yml"),
        ])
    func schemas(schema: String, file: String) async throws {
        try await Stand.with { stand in
            let check = try await LocalProcess.start(
                Self.peers + "/check-jsonschema", ["--builtin-schema", schema, "\(Self.deploy)/\(file)"],
                log: stand.folder + "/check.log")
            #expect(await check.wait() == 0, "\(check.output)")
        }
    }

    @Test(.enabled(if: hasPeers)) func `a JUnit file is read by others`() async throws {
        try await Stand.with { stand in
            let file = try stand.file([50, 100], hold: "0s")
            #expect(try await stand.belay("run", file, "--junit", stand.folder + "/j.xml").code == 0)
            let script =
                "from junitparser import JUnitXml; x = JUnitXml.fromfile('\(stand.folder)/j.xml'); "
                + "print(x.tests, x.failures, [c.name for s in x for c in s])"
            let check = try await LocalProcess.start(
                Self.peers + "/python", ["-c", script], log: stand.folder + "/check.log")
            #expect(await check.wait() == 0 && check.output.contains("1 0 ['outcome']"), "\(check.output)")
        }
    }

    @Test("the page of evidence is drawn by a browser", .enabled(if: hasBrowser), arguments: [360, 1200])
    func browser(width: Int) async throws {
        try await Stand.with { stand in
            let file = try stand.file([50, 100], hold: "0s")
            #expect(try await stand.belay("run", file).code == 0)
            #expect(try await stand.belay("show", "app", "--report", stand.folder + "/evidence").code == 0)
            // A frame of that width tells how wide the page in it becomes.
            let page = try Self.read(stand.folder + "/evidence/index.html")
                .replacing(/<meta http-equiv="Content-Security-Policy"[^>]*>/, with: "")
                .replacing(
                    "</body>",
                    with:
                        "<script>const d=document.documentElement;document.title=d.scrollWidth<=d.clientWidth?'fits':'is too wide'</script></body>"
                )
            try page.write(toFile: stand.folder + "/measured.html", atomically: true, encoding: .utf8)
            let frame =
                "<iframe id=f src=measured.html style='width:\(width)px;height:900px;border:0'></iframe><script>"
                + "f.onload=()=>{document.body.append(f.contentDocument.title+' '+f.contentDocument.querySelector('h1').innerText)}</script>"
            try frame.write(toFile: stand.folder + "/frame.html", atomically: true, encoding: .utf8)
            let browser = try await LocalProcess.start(
                "chromium",
                [
                    "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
                    "--user-data-dir=\(stand.folder)/profile", "--virtual-time-budget=3000", "--dump-dom",
                    "file://\(stand.folder)/frame.html",
                ], environment: ["HOME": stand.folder], log: stand.folder + "/browser.log")
            #expect(await browser.wait() == 0)
            #expect(browser.output.contains("fits Promoted"), "\(browser.output.suffix(400))")
        }
    }
}
