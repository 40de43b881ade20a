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

    /// Full tables about gates that see nothing would be about nothing.
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

    /// Half an hour at least, and until the last step and its longest suspicion are over.
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

/// The traffic that a simulation plays, in people's words.
struct TrafficOptions: ParsableArguments {
    @Option(help: "Requests a second, both versions together.") var rate = 200.0
    @Option(help: "Stable's share of errors.") var baseErrors = "0.1%"
    @Option(help: "The canary's share of errors; by default 2, 5 and 10 times stable's are played.")
    var canaryErrors: String?
    @Option(help: "Median answer time; times are lognormal.") var latency = "80ms"
    @Option(help: "Standard deviation of the logarithm of the answer times.") var latencySpread = 0.6
    @Option(help: "The canary's answer times over stable's: 1.5 is half as slow again.") var canaryLatency: Double?
    @Option(help: "Variance of each version's share of errors, new every 15 s: 0.1 is a bumpy service.")
    var noise = 0.0
    @Option(help: ArgumentHelp("Errors of both versions for a while.", valueName: "from-to:share")) var incident:
        String?
    @Option(help: ArgumentHelp("Errors of the canary's first seconds.", valueName: "duration:share"))
    var coldStart: String?
    @Option(help: ArgumentHelp("Errors of the canary from a weight on.", valueName: "weight:share"))
    var underLoad: String?
    @Option(help: "How long a sample takes to be seen: the scrape interval, as a rule.") var lag = "15s"
    @Option(
        help: ArgumentHelp(
            "A recorded service in place of --rate and --base-errors: CSV with time (seconds), requests and errors since "
                + "the row before.", valueName: "file"))
    var recorded: String?

    func model() throws(CommandFailure) -> TrafficModel {
        var model = TrafficModel()
        guard rate > 0, rate <= 1e6 else { throw SimulateCommand.usage("--rate \(rate): 0 to 1000000 is expected") }
        model.requests = rate
        model.baseErrors = try Self.share(baseErrors, "--base-errors")
        if let recorded { try read(recorded, into: &model) }
        model.canaryErrors =
            try canaryErrors.map { text throws(CommandFailure) in
                try Self.share(text, "--canary-errors")
            } ?? model.baseErrors
        model.latency = try Self.seconds(latency, "--latency")
        model.latencySpread = latencySpread
        model.canaryLatency = canaryLatency ?? 1
        guard model.latency > 0, (0.01...5).contains(latencySpread), (0.01...100).contains(model.canaryLatency),
            (0...10).contains(noise)
        else {
            throw SimulateCommand.usage("a latency above 0, a spread of 0.01 to 5, a noise of 0 to 10 are expected")
        }
        model.noise = noise < 1e-6 ? 0 : noise
        guard model.baseErrors > 0 || canaryErrors != nil || canaryLatency != nil || underLoad != nil else {
            throw SimulateCommand.usage("stable has no errors, and ten times none are none: say --canary-errors")
        }
        guard model.recording == nil || model.baseErrors > 0 else {
            throw SimulateCommand.usage(
                "the recording has no errors, which the canary's would follow: play a --rate instead")
        }
        model.lag = try Self.seconds(lag, "--lag")
        if let incident {
            let (span, errors) = try Self.pair(incident, "--incident")
            let ends = span.split(separator: "-").map(String.init)
            guard ends.count == 2 else { throw SimulateCommand.usage("--incident \(incident): 3m-8m:2% is expected") }
            model.incident = .init(
                from: try Self.seconds(ends[0], "--incident"), to: try Self.seconds(ends[1], "--incident"),
                errors: errors)
            guard let incident = model.incident, incident.from < incident.to else {
                throw SimulateCommand.usage("--incident \(ends.joined(separator: "-")): it must end after it begins")
            }
        }
        if let coldStart {
            let (span, errors) = try Self.pair(coldStart, "--cold-start")
            model.coldStart = .init(seconds: try Self.seconds(span, "--cold-start"), errors: errors)
        }
        if let underLoad {
            let (weight, errors) = try Self.pair(underLoad, "--under-load")
            model.underLoad = .init(share: try Self.share(weight, "--under-load"), errors: errors)
        }
        return model
    }

    /// A healthy version first, then what is wrong with the others.
    func cases(of model: TrafficModel) -> [(name: String, model: TrafficModel)] {
        var healthy = model.with(errorsTimes: 1)
        (healthy.canaryLatency, healthy.underLoad) = (1, nil)
        let first = [("a healthy version", healthy)]
        if canaryErrors != nil || canaryLatency != nil || underLoad != nil {
            return first + [("the version as described", model)]
        }
        return first + [2.0, 5, 10].map { ("\(Int($0)) × stable's errors", healthy.with(errorsTimes: $0)) }
    }

    private func read(_ path: String, into model: inout TrafficModel) throws(CommandFailure) {
        guard let data = FileManager.default.contents(atPath: path), data.count <= 64 << 20 else {
            throw CommandFailure(.invalid, "\(path):1:1: cannot be read, or is larger than 64 MB")
        }
        do throws(RecordedTraffic.Failure) {
            let recorded = try RecordedTraffic(String(decoding: data, as: UTF8.self))
            model.recording = recorded
            (model.requests, model.baseErrors) = (recorded.averageRequests, recorded.averageErrors)
        } catch {
            throw CommandFailure(.invalid, "\(path):\(error.line):1: \(error.message)")
        }
    }

    static func share(_ text: String, _ option: String) throws(CommandFailure) -> Double {
        let percent = text.hasSuffix("%")
        guard let number = Double(percent ? String(text.dropLast()) : text), (0...(percent ? 100 : 1)).contains(number)
        else { throw SimulateCommand.usage("\(option) \(text): a share such as 0.5% is expected") }
        return percent ? number / 100 : number
    }

    static func seconds(_ text: String, _ option: String) throws(CommandFailure) -> Double {
        guard let duration = Duration(text: text) else {
            throw SimulateCommand.usage("\(option) \(text): a duration such as 90s or 5m is expected")
        }
        return duration.inSeconds
    }

    private static func pair(_ text: String, _ option: String) throws(CommandFailure) -> (String, Double) {
        let parts = text.split(separator: ":").map(String.init)
        guard parts.count == 2 else { throw SimulateCommand.usage("\(option) \(text): when:share is expected") }
        return (parts[0], try share(parts[1], option))
    }
}
