internal import ArgumentParser
internal import BelayAnalysis
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayMetrics
internal import BelayPlatform
internal import BelayRouters
internal import BelaySpec

struct AnalyzeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "analyze", abstract: "Take a file's measurements now, once; exit as its gates would.",
        discussion: """
            Exit codes: 0 nothing stands against the canary; 1 the traffic would go back; 2 a mistake in the file, a query that \
            is refused, a condition that cannot be evaluated; 4 a person would be called (inconclusive, suspicious, or blind \
            with onBlind: pause); 9 blind: a gate has no data, a server that cannot be reached among it. Nothing is touched.
            """)
    @OptionGroup var spec: SpecOptions
    @OptionGroup var store: StoreOptions
    @Option(
        help: ArgumentHelp(
            "Which side is the canary; else the rollout under way or the router says.", valueName: "side"))
    var canary: String?
    @Option(help: "How far back comparisons and judges look.", transform: DurationArgument.parse)
    var over: Duration = .seconds(300)

    func run() async throws {
        Signals.unblock()
        let spec = try await spec.load()
        let plan = try await plan(spec)
        let share = await Kits.kit(for: spec.traffic).survey().secondShare.map { plan.roles.mirrored($0) }
        let asked = share.map { Double($0.basisPoints) / 10_000 }
        let readings = await Release.asking { provider in
            await GateReading.measure(plan, provider, over: over, asked: asked)
        }
        for reading in readings { store.output == .json ? Console.print(reading.json) : Console.print(reading.line) }
        let code = ExitStatus(GateReading.consequence(of: readings))
        if store.output == .text { Console.say(Self.summary(code, plan)) }
        if code != .success { throw ExitCode(code.rawValue) }
    }

    private func plan(_ spec: RolloutSpec) async throws(CommandFailure) -> Plan {
        let roles = try await roles(spec.traffic)
        do throws(SpecFailure) {
            return try spec.plan(roles: roles, identity: Releases.identity(of: spec.traffic))
        } catch {
            throw CommandFailure(error)
        }
    }

    private func roles(_ traffic: Traffic) async throws(CommandFailure) -> Roles {
        let names = traffic.sides.names
        if let canary {
            guard let index = names.firstIndex(of: canary) else {
                throw SimulateCommand.usage("--canary \(canary): the sides are \(names.joined(separator: " and "))")
            }
            return Roles(canaryIsSecond: index == 1)
        }
        if let journal = try? store.open(.operate),
            let id = try? journal.rolloutUnderWay(on: Releases.identity(of: traffic)),
            let machine = try? journal.machine(of: id)
        {
            return machine.plan.roles
        }
        guard let share = await Kits.kit(for: traffic).survey().secondShare else {
            throw CommandFailure(
                .unreachable, "the router cannot be read, so that nobody knows which side is the canary",
                "say it with --canary \(names.joined(separator: " or --canary "))")
        }
        guard let roles = Roles(secondShare: share) else {
            throw CommandFailure(
                .invalid,
                "the traffic is divided (\(names[1]) has \(share.text)) and no rollout of this journal is under way",
                "say which side is the canary: --canary \(names.joined(separator: " or --canary "))")
        }
        return roles
    }

    private static func summary(_ code: ExitStatus, _ plan: Plan) -> String {
        let canary = "\(plan.canary.name), the canary"
        switch code {
        case .failure: return "\(canary): a gate fails, the traffic would go back"
        case .blind: return "\(canary): a gate has no data, and no data is never success"
        case .waitsForPerson: return "\(canary): nobody can tell, a person would be called"
        case .invalid:
            return "\(canary): a gate cannot be measured; more than its consecutiveErrorLimit would be the way back"
        default:
            let hasGate = plan.metrics.contains { !$0.isDryRun }
            return "\(canary): \(hasGate ? "nothing stands against it" : "there is no gate that could")"
        }
    }
}

extension ExitStatus {
    fileprivate init(_ consequence: GateReading.Consequence) {
        switch consequence {
        case .none: self = .success
        case .wayBack: self = .failure
        case .error: self = .invalid
        case .blindness: self = .blind
        case .pause: self = .waitsForPerson
        }
    }
}

extension GateReading {
    private var word: String {
        switch phase {
        case .successful: "ok"
        case .failed: verdict == .failed ? "FAILED" : "failed, within its limit"
        case .inconclusive: verdict == .inconclusive ? "unclear" : "unclear, within its limit"
        case .error: "ERROR"
        case .noData: "no data"
        }
    }

    private var wants: String {
        if let comparison = metric.comparison {
            return "taken back from an e-value of \(Int(comparison.harmLimit)) on"
        }
        if let judge = metric.judge { return "score of \(Comparator.short(judge.pass)) or more" }
        return [metric.successCondition.map { "wants \($0)" }, metric.failureCondition.map { "fails on \($0)" }]
            .compactMap(\.self).joined(separator: ", ")
    }

    fileprivate var line: String {
        let dry = metric.isDryRun ? " (dry run)" : ""
        let note = message.isEmpty ? "" : "; \(message)"
        return "\(metric.name)\(dry): \(word)  \(value)  \(wants)\(note)"
    }

    fileprivate var json: String {
        JSONText.write(
            .object([
                .init("metric", .string(metric.name)), .init("phase", .string(phase.rawValue)),
                .init("verdict", .string(verdict.rawValue)), .init("value", .string(value)),
                .init("wants", .string(wants)), .init("message", .string(message)),
                .init("dryRun", .bool(metric.isDryRun)),
            ]))
    }
}
