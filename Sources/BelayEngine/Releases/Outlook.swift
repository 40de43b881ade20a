package import BelayAnalysis
package import BelayCore

/// What is known of a gate before its release: whether its counters are there, and what the traffic allows it to
/// notice.
package struct Outlook {
    package let metric: Metric
    /// What its server answered: numbers where everything is in place, else what is wrong.
    package let answer: MetricAnswer
    /// Made from stable's present traffic, one for each kind of bad request; empty where too little is known of it.
    private var forecasts: [Forecast] = []
    /// What is no mistake, and worth knowing.
    package private(set) var notes: [String] = []
    private var verdicts: [GateVerdict] = []

    private init(metric: Metric, answer: MetricAnswer, forecasts: [Forecast] = [], notes: [String] = []) {
        self.metric = metric
        self.answer = answer
        self.forecasts = forecasts
        self.notes = notes
    }

    /// The look reaches back by this many times `lookback`, so that a series that comes and goes is seen.
    private static let depth = 3

    static func look(at metric: Metric, _ provider: any MetricProvider, at now: Timestamp) async -> Outlook {
        guard let query = metric.counters, let comparison = metric.comparison else {
            return Outlook(metric: metric, answer: .list([]))
        }
        switch await provider.counters(metric, back: query.lookback * depth, at: now) {
        case .noData(let message): return Outlook(metric: metric, answer: .noData(message))
        case .error(let message): return Outlook(metric: metric, answer: .error(message))
        case .samples(let canary, let stable, _):
            if let wrong = wrong(canary, stable, query) { return Outlook(metric: metric, answer: .error(wrong)) }
            let notes = notes(canary, stable, query)
            guard let traffic = CounterWindows.traffic(stable, query), traffic.requests > 0 else {
                return Outlook(metric: metric, answer: .list([]), notes: notes)
            }
            let rate = traffic.requests / traffic.seconds
            return Outlook(
                metric: metric, answer: .list([rate]),
                forecasts: traffic.bad.map {
                    Forecast(comparison, requestsPerSecond: rate, badShare: $0 / traffic.requests)
                }, notes: notes)
        }
    }

    /// Why these counters can never be compared.
    private static func wrong(_ canary: [CounterSeries], _ stable: [CounterSeries], _ query: CounterQuery) -> String? {
        guard !stable.isEmpty else {
            return
                "`\(query.stable)` gives no samples of stable in \((query.lookback * depth).text); is the selector right?"
        }
        if let wrong = CounterWindows.mismatch(canary: [], stable: stable, query) { return wrong }
        for (name, series) in [("stable", stable), ("the canary", canary)] {
            if let address = CounterWindows.traffic(series, query)?.alternating.first {
                return
                    "\(name): two processes answer in turn behind \(address.isEmpty ? "one address" : address), so that "
                    + "their counters cannot be told apart; give each of them an address, or sum them up in the service"
            }
        }
        return nil
    }

    private static func notes(
        _ canary: [CounterSeries], _ stable: [CounterSeries], _ query: CounterQuery
    ) -> [String] {
        var notes: [String] = []
        let copied = [stable, canary].compactMap { CounterWindows.traffic($0, query)?.copiedBy }.first
        if let copied { notes.append("the same requests stand under several values of `\(copied)`; they count once") }
        for match in query.bad where !(stable + canary).contains(where: { $0.labels[match.label] != nil }) {
            notes.append(
                "no series has the label `\(match.label)`, which tells bad requests; there are "
                    + "\(CounterWindows.labels(of: stable).joined(separator: ", ")). Right where it stands on bad requests alone"
            )
        }
        return notes
    }

    /// The outlook of a threshold, from what its query says of stable now; nil where it says nothing.
    /// - Parameter mirrored: The same metric, asked about stable.
    static func look(
        atThreshold metric: Metric, mirrored: Metric, _ plan: Plan, _ provider: any MetricProvider, at now: Timestamp
    ) async -> Outlook? {
        guard metric.query != nil, metric.source != mirrored.source else { return nil }
        let reading = await provider.measure(mirrored, at: now)
        var values: [Double] = []
        switch reading.answer {
        case .scalar(let value): values = [value]
        case .list(let list): values = list
        case .json, .noData, .error: return nil
        }
        guard let worst = values.filter(\.isFinite).max() else { return nil }
        let requests = (try? Evaluator(mirrored))?.requests(in: reading.requests)
        var outlook = Outlook(metric: metric, answer: reading.answer)
        outlook.verdicts = GateVerdict.of(
            metric, stable: worst, perSecond: requests.map { $0 / max(metric.window.inSeconds, 1) }, in: plan)
        return outlook
    }

    /// What the gate can notice in each step.
    package func verdicts(_ plan: Plan) -> [GateVerdict] { verdicts + GateVerdict.of(metric, forecasts, in: plan) }

    /// What `plan` says about it.
    package func lines(_ plan: Plan) -> [String] {
        let verdict = verdicts(plan).max { $0.badness < $1.badness }.map { ["    \($0.text)"] } ?? []
        guard let comparison = metric.comparison else { return verdict }
        var lines = timing(plan) + verdict + notes.map { "    \($0)" }
        if plan.steps.contains(where: { $0.weight == .full }) {
            lines.append(
                "    at 100 % stable has no traffic: the canary is held against the upper limit of stable's last rate"
                    + (comparison.delta.map { " or \(Self.percent($0)), the larger" } ?? "")
                    + ", e-value \(Int(Comparison.strictLimit))")
        }
        return lines
    }

    private func timing(_ plan: Plan) -> [String] {
        guard let first = forecasts.first else {
            return ["    stable has no traffic now: nothing can be said about how long the evidence takes"]
        }
        var lines: [String] = []
        lines.append(
            "    now \(Int(first.requestsPerSecond.rounded())) requests/s, "
                + "bad \(forecasts.map { Self.percent($0.badShare) }.joined(separator: ", "))")
        var isFirst = true
        for (index, step) in plan.steps.enumerated() where step.weight > .zero && step.weight < .full {
            // For harm, several kinds of bad request are averaged; to go on, all of them have to pass.
            let abort = forecasts.compactMap { $0.secondsToAbort(ratio: 3, share: step.weight) }.min()
            let promotions = forecasts.map { $0.secondsToPromote(share: step.weight, isFirst: isFirst) }
            let promote = promotions.contains(nil) ? nil : promotions.compactMap(\.self).max()
            let noticed = abort.map { "a threefold rate is noticed in about \(GateVerdict.time($0))" }
            let passed = promote.map { "evidence to go on takes about \(GateVerdict.time($0))" }
            lines.append(
                "    step \(index + 1), \(step.weight.text): "
                    + [
                        noticed ?? "a threefold rate of nothing is nothing",
                        passed ?? "no evidence to go on without errors or `delta`",
                    ].joined(separator: "; "))
            isFirst = false
        }
        return lines
    }

    private static func percent(_ share: Double) -> String { "\(Comparator.short(share * 100)) %" }
}
