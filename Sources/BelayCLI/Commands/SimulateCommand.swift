internal import ArgumentParser
internal import BelayAnalysis
internal import BelayCore
internal import BelayEngine
internal import BelaySpec
internal import Foundation

struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "Play a rollout's strategy and gates against modelled or recorded traffic.",
        discussion: """
            Every run is decided by the same machine that drives real rollouts; the router and the servers are modelled. \
            Beside it stand a plain threshold on the canary's errors (failing in more than three measurements, one a \
            minute) and no gate at all, on the same steps. Nothing is touched, and no server is asked.
            """)
    @Argument(help: "A rollout's file.") var file: String
    @Option(name: .customLong("set"), help: ArgumentHelp("Overrides one value.", valueName: "path=value"))
    var overrides: [String] = []
    @OptionGroup var traffic: TrafficOptions
    @Option(help: "Runs of each case, 10 to 1,000,000.") var runs = 2000
    @Option(help: "The same seed gives the same runs.") var seed: UInt64 = 1
    @Option(help: "How long each run is watched; by default until every step could be over.") var horizon: String?
    @Option(help: "The plain threshold on the canary's errors.") var threshold = "1%"
    @Option(
        help: ArgumentHelp(
            "What a metric's query reads, where its words mislead: \(ModelledValue.words).", valueName: "metric=value"))
    var read: [String] = []
    @Option(help: ArgumentHelp("Writes a picture of the result (SVG).", valueName: "file")) var svg: String?
    @Option(help: "text, or json for one object a line.") var output: OutputFormat = .text

    func run() async throws {
        Signals.unblock()
        let plan = try plan()
        let readings = try readings(plan)
        let base = try traffic.model()
        try refuseUnmodelled(plan, readings)
        guard (10...1_000_000).contains(runs) else { throw Self.usage("--runs \(runs): 10 to 1000000 is expected") }
        let limit = try TrafficOptions.share(threshold, "--threshold")
        let asked = try horizon.map { try TrafficOptions.seconds($0, "--horizon") }
        if let asked, !(60...604_800).contains(asked) { throw Self.usage("--horizon: 1m to 7d is expected") }
        let seconds = asked ?? Self.horizon(of: plan)
        if let svg {
            let folder = URL(fileURLWithPath: svg).deletingLastPathComponent().path
            let place = FileManager.default.fileExists(atPath: svg) ? svg : folder
            guard FileManager.default.isWritableFile(atPath: place) else {
                throw CommandFailure(.failure, "\(svg) cannot be written; nothing was played")
            }
        }
        let cases = traffic.cases(of: base)
        let bar = ProgressBar(total: cases.count * SimulationResult.Policy.allCases.count * runs)
        var results: [SimulationResult] = []
        for (name, model) in cases {
            var result = SimulationResult(name: name, model: model)
            for policy in SimulationResult.Policy.allCases {
                let play = Self.play(policy, plan, model, readings, limit, seconds)
                result.summaries[policy] = await PlayedSummary.of(
                    runs: runs, seed: seed, progress: { bar.advance($0) }, play)
            }
            results.append(result)
        }
        bar.finish()
        let text = SimulationText(
            plan: plan, readings: readings, base: base, runs: runs, seed: seed, limit: limit, horizon: seconds,
            results: results)
        for line in output == .json ? text.json : text.lines { Console.print(line) }
        if let svg {
            try write(SimulationPicture(plan: plan, base: base, limit: limit, results: results).text, to: svg)
        }
    }

    /// Refuses a file none of whose gates can be modelled: the tables would say nothing about it.
    private func refuseUnmodelled(_ plan: Plan, _ readings: [ModelledValue]) throws(CommandFailure) {
        let gates = zip(plan.metrics, readings).filter { !$0.0.isDryRun }
        guard !gates.isEmpty, gates.allSatisfy({ $0.1 == .nothing }) else { return }
        throw CommandFailure(
            .invalid,
            lines: gates.map { "metric \($0.0.name) reads nothing that the model has (requests, errors, answer times)" }
                + [
                    "no gate of this file can be modelled, so that there is nothing to play; --read METRIC=… says what one reads"
                ])
    }

    static func usage(_ message: String) -> CommandFailure { CommandFailure(ExitStatus(rawValue: 64), message) }

    private func plan() throws(CommandFailure) -> Plan {
        let loader = try SpecFiles.loader(overrides: overrides)
        let source = try SpecFiles.read(file)
        do throws(SpecFailure) {
            let spec = try loader.rollout(source, revision: "simulation")
            return try spec.plan(roles: Roles(canaryIsSecond: true), identity: "simulation")
        } catch {
            throw CommandFailure(error)
        }
    }

    private func readings(_ plan: Plan) throws(CommandFailure) -> [ModelledValue] {
        var readings = plan.metrics.map(ModelledValue.init(of:))
        for text in read {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2, let index = plan.metrics.firstIndex(where: { $0.name == parts[0] }) else {
                let names = plan.metrics.map(\.name).joined(separator: ", ")
                throw Self.usage("--read \(text): metric=value is expected; there are \(names)")
            }
            guard plan.metrics[index].counters == nil, plan.metrics[index].judge == nil else {
                throw Self.usage("--read \(text): a comparison and a judge read the model's counts in any case")
            }
            guard let value = ModelledValue(word: parts[1]) else {
                throw Self.usage("--read \(text): the values are \(ModelledValue.words)")
            }
            readings[index] = value
        }
        return readings
    }

    /// How long each run is watched, in seconds: half an hour at least, and until the last step and its longest
    /// suspicion are over.
    private static func horizon(of plan: Plan) -> Double {
        let holds = plan.steps.reduce(0) { $0 + $1.hold.max.inSeconds }
        let suspicion = plan.metrics.compactMap { $0.comparison?.suspicionLimit.inSeconds }.max() ?? 0
        return max(1800, (holds * 1.5 + suspicion + 300).rounded())
    }

    private static func play(
        _ policy: SimulationResult.Policy, _ plan: Plan, _ model: TrafficModel, _ readings: [ModelledValue],
        _ limit: Double, _ horizon: Double
    ) -> @Sendable (UInt64) -> Played {
        switch policy {
        case .gates:
            let simulation = SimulatedRollout(plan: plan, model: model, readings: readings, horizon: horizon)
            return { simulation.play(seed: $0) }
        case .threshold, .none:
            let steps = plan.steps.map {
                (share: Double($0.weight.basisPoints) / 10_000, seconds: $0.hold.max.inSeconds)
            }
            let other = ThresholdPolicy(steps: steps, limit: policy == .threshold ? limit : nil)
            let length = SimulatedRollout.length(of: plan, lag: model.lag)
            return { other.play(model, length: length, horizon: horizon, seed: $0) }
        }
    }

    private func write(_ text: String, to path: String) throws(CommandFailure) {
        do {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            Console.say("the picture is in \(path)")
        } catch {
            throw CommandFailure(.failure, "\(path) cannot be written: \(error.localizedDescription)")
        }
    }
}
