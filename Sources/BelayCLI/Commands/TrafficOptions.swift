internal import ArgumentParser
internal import BelayAnalysis
internal import BelayCore
internal import BelayEngine
internal import BelaySpec
internal import Foundation

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
