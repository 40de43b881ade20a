import BelayCore
import BelayEngine
import BelayPlatform
import Foundation
import Testing

@testable import BelayRouters

/// A file with one number, its programs, and what other hands make of them.
@Suite("A file with one number")
struct FileTrafficTests {
    private static let sides = Sides(
        first: Side(name: "blue", backend: "pool-1"), second: Side(name: "green", backend: "pool-2"))
    private static let forward = Roles(canaryIsSecond: true)

    private static func traffic(
        _ folder: Folder, scale: Int = 100, run: [String] = [], read: [String] = [], holding text: String? = "0\n"
    ) throws -> FileTraffic {
        let path = folder.path + "/share"
        if let text { try text.write(toFile: path, atomically: true, encoding: .utf8) }
        return FileTraffic(path: path, scale: scale, sides: sides, run: run, read: read)
    }

    /// - Parameter limit: Of a program; generous, since other tests keep the machine busy.
    private static func router(_ traffic: FileTraffic, limit: Duration = .seconds(60)) -> FileRouter {
        FileRouter(traffic, forward, WallClock(), limit: limit)
    }

    private static func mark(_ epoch: Int = 1) -> OwnerMark {
        OwnerMark(rollout: "a-1", epoch: epoch, stable: "blue", original: "0", store: "/db", process: .current)
    }

    private static func write(_ percent: Int, expecting: [Int] = [0]) -> TrafficWrite {
        TrafficWrite(
            share: Weight(basisPoints: percent * 100)!, kind: .forward,
            expecting: expecting.map { Weight(basisPoints: $0 * 100)! })
    }

    @Test(
        "every number is one share, whichever side is the canary, and back",
        arguments: [1, 3, 7, 16, 32, 100, 9999, 10_000])
    func numbers(scale: Int) throws {
        let traffic = FileTraffic(path: "/share", scale: scale, sides: Self.sides)
        for canaryIsSecond in [true, false] {
            let roles = Roles(canaryIsSecond: canaryIsSecond)
            for number in 0...scale {
                let share = try #require(traffic.share(for: number, roles))
                #expect(traffic.number(for: share, roles) == number)
                if number > 0, number < scale { #expect(traffic.reach.nearest(to: share) == share) }
            }
            #expect(traffic.share(for: scale + 1, roles) == nil && traffic.share(for: -1, roles) == nil)
        }
    }

    @Test(
        "what is no number is another hand's, and nothing at all is unknown, never 0",
        arguments: [
            ("25\n", "25"), ("  25 \r\n", "25"), ("", "missing"), (" \n", "missing"), ("25 %", "foreign"),
            ("-1", "foreign"),
            ("1e2", "foreign"), ("٣", "foreign"), ("canary", "foreign"), ("25\n25\n", "foreign"),
        ])
    func texts(text: String, means: String) throws {
        let folder = try Folder()
        let file = ShareFile(try Self.traffic(folder, holding: text), WallClock())
        let words =
            switch try file.number() {
            case .number(let number): "\(number)"
            case .missing: "missing"
            case .foreign: "foreign"
            }
        #expect(words == means)
    }

    @Test func `a write is made, told and read back; a superseded one and one without the mark are not`() async throws {
        let folder = try Folder()
        let told = folder.path + "/told"
        let traffic = try Self.traffic(folder, run: ["/bin/sh", "-c", "echo $BELAY_SHARE/$BELAY_SCALE >> \(told)"])
        let router = Self.router(traffic)
        guard case .ours = await router.claim(Self.mark(), .first, superseding: []) else {
            Issue.record("not claimed")
            return
        }
        let (reading, result) = await router.write(Self.write(25), number: 1, under: Self.mark(), isOurs: { true })
        #expect(result == .done && reading.confirms(Self.write(25)))
        #expect(try String(contentsOfFile: traffic.path, encoding: .utf8) == "25\n")
        #expect(try String(contentsOfFile: told, encoding: .utf8) == "25/100\n")
        // Another one has begun meanwhile.
        let late = await router.write(Self.write(50, expecting: [25]), number: 0, under: Self.mark(), isOurs: { true })
        #expect(late.1 == .refused("the write was superseded"))
        let stranger = await router.write(
            Self.write(50, expecting: [25]), number: 2, under: Self.mark(2), isOurs: { true })
        guard case .refused(let why) = stranger.1 else {
            Issue.record("written under a mark that is not there")
            return
        }
        #expect(why.contains("another driver's"))
        #expect(try String(contentsOfFile: traffic.path, encoding: .utf8) == "25\n")
        let back = TrafficWrite(share: .zero, kind: .wayBack)
        #expect(await router.write(back, number: 3, under: Self.mark(), isOurs: { false }).1 == .done)
        #expect(try String(contentsOfFile: traffic.path, encoding: .utf8) == "0\n")
        #expect(await router.release(Self.mark(), after: .wayBack(hadTraffic: true)) == nil)
        #expect(OwnerFile(of: traffic.path).lastTraffic(of: "green") != nil)
    }

    @Test func `another hand's number is left as it is`() async throws {
        let folder = try Folder()
        let traffic = try Self.traffic(folder, holding: "77\n")
        let router = Self.router(traffic)
        _ = await router.claim(Self.mark(), .first, superseding: [])
        let (reading, result) = await router.write(Self.write(25), number: 1, under: Self.mark(), isOurs: { true })
        #expect(result == .refused("77 % was found, which Belay did not ask for"))
        #expect(reading.instances[0].running == Weight(basisPoints: 7700))
    }

    @Test func `a program that says what is in force is believed, and may follow later`() async throws {
        let folder = try Folder()
        let live = folder.path + "/live"
        try "0\n".write(toFile: live, atomically: true, encoding: .utf8)
        let traffic = try Self.traffic(folder, read: ["/bin/cat", live])
        let router = Self.router(traffic)
        _ = await router.claim(Self.mark(), .first, superseding: [])
        let (_, result) = await router.write(Self.write(25), number: 1, under: Self.mark(), isOurs: { true })
        #expect(result == .accepted)
        try "25\n".write(toFile: live, atomically: true, encoding: .utf8)
        #expect(await router.read().confirms(Self.write(25)))
        // Somebody edits what it would start with.
        try "90\n".write(toFile: traffic.path, atomically: true, encoding: .utf8)
        #expect(await router.read().instances[0].startsWith == Weight(basisPoints: 9000))
    }

    @Test(
        "a program that fails, hangs or is not there refuses the write and says why",
        arguments: [
            (["/bin/sh", "-c", "echo no balancer >&2; exit 3"], 60, "`/bin/sh` ended with status 3: no balancer"),
            (["/bin/sleep", "60"], 1, "`/bin/sleep` took longer than 1s and was ended"),
            (["/nowhere/reload"], 60, "`/nowhere/reload` cannot be started"),
        ])
    func failing(run: [String], seconds: Int, words: String) async throws {
        let folder = try Folder()
        let router = Self.router(try Self.traffic(folder, run: run), limit: .seconds(seconds))
        _ = await router.claim(Self.mark(), .first, superseding: [])
        let (_, result) = await router.write(Self.write(25), number: 1, under: Self.mark(), isOurs: { true })
        guard case .refused(let why) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(why.hasPrefix(words), "\(why)")
    }

    @Test func `a way back that is proven needs no program that ends well`() async throws {
        let folder = try Folder()
        let live = folder.path + "/live"
        try "25".write(toFile: live, atomically: true, encoding: .utf8)
        let traffic = try Self.traffic(
            folder, run: ["/bin/sh", "-c", "echo $BELAY_SHARE > \(live); exit 1"], read: ["/bin/cat", live],
            holding: "25")
        let router = Self.router(traffic)
        _ = await router.claim(Self.mark(), .first, superseding: [])
        let back = TrafficWrite(share: .zero, kind: .wayBack)
        #expect(await router.write(back, number: 1, under: Self.mark(), isOurs: { true }).1 == .done)
        // A raise is not proven by what it says alone.
        let (_, result) = await router.write(Self.write(25), number: 2, under: Self.mark(), isOurs: { true })
        #expect(result == .refused("`/bin/sh` ended with status 1"))
    }

    @Test func `a program that cannot say what is in force is named, and nothing counts as taken`() async throws {
        let folder = try Folder()
        let traffic = try Self.traffic(folder, read: ["/bin/sh", "-c", "echo no answer >&2; exit 7"])
        let router = Self.router(traffic)
        _ = await router.claim(Self.mark(), .first, superseding: [])
        let (reading, result) = await router.write(Self.write(25), number: 1, under: Self.mark(), isOurs: { true })
        #expect(result == .refused("`/bin/sh` ended with status 7: no answer"))
        #expect(reading.instances[0].running == nil && reading.instances[0].startsWith == Weight(basisPoints: 2500))
    }

    @Test func `a file that was deleted comes back readable for who watches it`() async throws {
        let folder = try Folder()
        let traffic = try Self.traffic(folder, holding: "50")
        let router = Self.router(traffic)
        _ = await router.claim(Self.mark(), .first, superseding: [])
        unlink(traffic.path)
        #expect(await router.read().instances[0].start == .unknown)
        let back = TrafficWrite(share: .zero, kind: .wayBack)
        #expect(await router.write(back, number: 1, under: Self.mark(), isOurs: { true }).1 == .done)
        var info = stat()
        #expect(stat(traffic.path, &info) == 0 && info.st_mode & 0o777 == 0o644)
    }

    @Test func `what is in force is the same incarnation, whether the file can be read or not`() async throws {
        let folder = try Folder()
        let traffic = try Self.traffic(folder, read: ["/bin/echo", "50"], holding: "")
        let reading = await Self.router(traffic).read()
        #expect(reading.instances[0].incarnation == "file" && reading.instances[0].running == Weight(basisPoints: 5000))
    }

    @Test func `a link leads to its file, whether that is there or not`() throws {
        let folder = try Folder()
        let (link, real) = (folder.path + "/link", folder.path + "/sub/share")
        try FileManager.default.createDirectory(atPath: folder.path + "/sub", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "sub/share")
        let absent = OwnerFile(of: link).path
        try "0".write(toFile: real, atomically: true, encoding: .utf8)
        #expect(absent == OwnerFile(of: link).path && absent.hasSuffix("/sub/share.owner"))
    }

    // MARK: The look before a run

    private static func survey(_ traffic: FileTraffic, limit: Duration = .seconds(60)) async -> Survey {
        await FileKit(traffic, limit: limit).survey()
    }

    @Test func `a look tells who is stable, what can be reached, and that nobody verifies the program behind it`()
        async throws
    {
        let folder = try Folder()
        let survey = await Self.survey(try Self.traffic(folder, scale: 4, holding: "4"))
        #expect(survey.problems == [])
        #expect(survey.roles == Roles(canaryIsSecond: false) && survey.reach == .parts(4))
        #expect(survey.remarks.contains { $0.contains("is not verified") })
        #expect(!survey.fencesWriters.isThere && !survey.cutsConnections.isThere)
    }

    @Test(
        "a look refuses what cannot be",
        arguments: [
            (String?.none, "No such file"), ("", "is empty"), ("250", "0…100 is expected"), ("x", "has `x`"),
            ("25", "the traffic is split already"),
        ])
    func refuses(text: String?, words: String) async throws {
        let folder = try Folder()
        let survey = await Self.survey(try Self.traffic(folder, holding: text))
        #expect(survey.problems.contains { if case .invalid(let why) = $0 { why.contains(words) } else { false } })
        #expect(survey.roles == nil)
    }

    @Test func `a look sees that file and program disagree, or that the program does not answer`() async throws {
        let folder = try Folder()
        let other = await Self.survey(try Self.traffic(folder, read: ["/bin/echo", "100"]))
        #expect(
            other.problems.contains {
                if case .invalid(let why) = $0 { why.contains("100 is in force") } else { false }
            })
        let silent = await Self.survey(try Self.traffic(folder, read: ["/bin/sleep", "60"]), limit: .seconds(1))
        #expect(silent.problems.contains { if case .unreachable = $0 { true } else { false } })
        let absent = await Self.survey(try Self.traffic(folder, run: ["/nowhere/x"]))
        #expect(absent.problems == [.invalid("/nowhere/x: No such file or directory")])
    }

    @Test func `a target reads back as it was stored`() throws {
        let folder = try Folder()
        let traffic = try Self.traffic(folder, scale: 10_000, run: ["a", ""], read: ["b"])
        let target = Target(traffic: .file(traffic), identity: traffic.identity(on: "h"))
        #expect(try Target(json: try JSONText.parse(JSONText.write(target.json))) == target)
    }
}
