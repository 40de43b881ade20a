import BelayAnalysis
import BelayCore
import BelayTestSupport
import Glibc

/// The gate on the traffic models of the policy study, with fresh seeds: `belay-bench --study [RUNS] [SEED]`. Prints the
/// tables that docs/gates.md has.
struct Study {
    let runs: Int
    let seed: UInt64

    /// 15 s intervals, one of lag, 30 min; base errors 0.1 %.
    private static let rates: [Double] = [50, 200, 1000, 5000]
    private static let errors: [Double] = [0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05]
    private static let horizon = 1800.0

    enum Policy: String, CaseIterable {
        case belay = "Belay"
        case belayDelta = "Belay, delta 0.5 %"
        /// Told of a service whose errors are that bumpy.
        case belayNoisy = "Belay, variance 0.8"
        case reference = "The reference gate, on at its hard limit"
        case argo = "Argo 1 %"
        case kayenta = "Kayenta, 5 min"
    }

    static func plan(delta: Double? = nil, variance: Double? = nil) -> Plan {
        .compared { comparison in
            comparison.delta = delta
            if let variance { comparison.dispersion.variance = variance }
        }
    }

    static func play(_ policy: Policy, _ model: TrafficModel) -> @Sendable (UInt64) -> Played {
        let schedule = [0.1, 0.25, 0.5, 1].map { (share: $0, seconds: $0 < 1 ? 300.0 : 0) }
        switch policy {
        case .belay, .belayDelta, .belayNoisy:
            let plan = plan(
                delta: policy == .belayDelta ? 0.005 : nil, variance: policy == .belayNoisy ? 0.8 : nil)
            let simulation = SimulatedRollout(plan: plan, model: model, readings: [.errorRatio], horizon: horizon)
            return { simulation.play(seed: $0) }
        case .reference:
            return {
                ReferencePolicy(shares: schedule.map(\.share), onSuspicion: .promote).play(
                    model, horizon: horizon, seed: $0)
            }
        case .argo:
            let argo = ThresholdPolicy(steps: schedule, limit: 0.01)
            return { argo.play(model, horizon: horizon, seed: $0) }
        case .kayenta:
            let kayenta = KayentaPolicy(steps: schedule)
            return { kayenta.play(model, horizon: horizon, seed: $0) }
        }
    }

    private func summary(_ policy: Policy, _ model: TrafficModel) async -> PlayedSummary {
        // Promises are about rare things: the healthy and the fivefold need many more runs than a mean does.
        let isPromised =
            [.belay, .reference].contains(policy) && model.noise == 0
            && [0.001, 0.005, 0.01].contains(model.canaryErrors)
        let count = isPromised ? runs * 10 : runs
        return await PlayedSummary.of(runs: count, seed: seed, Self.play(policy, model))
    }

    func run() async {
        var table: [Policy: [[PlayedSummary]]] = [:]
        for policy in Policy.allCases where policy != .belayNoisy {
            var rows: [[PlayedSummary]] = []
            for rate in Self.rates {
                var row: [PlayedSummary] = []
                for errors in Self.errors {
                    var model = TrafficModel()
                    (model.requests, model.canaryErrors) = (rate, errors)
                    row.append(await summary(policy, model))
                }
                rows.append(row)
            }
            table[policy] = rows
            show(policy, rows)
        }
        compare(table)
        await special()
    }

    private func show(_ policy: Policy, _ rows: [[PlayedSummary]]) {
        print("\n### \(policy.rawValue)\n")
        print(
            "| requests/s | canary's errors | taken back (95 %) | promoted | a person called | s to rollback | s to 100 % | failed requests |"
        )
        print("|---|---|---|---|---|---|---|---|")
        for (rate, row) in zip(Self.rates, rows) {
            for (errors, summary) in zip(Self.errors, row) {
                let cells = [
                    "\(Int(rate))", percent(errors), proportion(summary.rollbackRate),
                    percent(summary.promotionRate.value), percent(summary.waitingRate.value),
                    number(summary.secondsToRollback), number(summary.secondsToFull), number(summary.excessBad),
                ]
                print("| \(cells.joined(separator: " | ")) |")
            }
        }
    }

    /// Geometric means over the cells with a regression.
    private func compare(_ table: [Policy: [[PlayedSummary]]]) {
        guard let ours = table[.belay] else { return }
        print("\n| against | failed requests, theirs over Belay's (geometric mean) | least | most |")
        print("|---|---|---|---|")
        for policy in [Policy.reference, .argo, .kayenta, .belayDelta] {
            guard let theirs = table[policy] else { continue }
            var ratios: [Double] = []
            for (row, other) in zip(ours, theirs) {
                for (one, two) in zip(row.dropFirst(), other.dropFirst()) {
                    guard let mean = one.excessBad.mean, let their = two.excessBad.mean, mean > 0 else { continue }
                    ratios.append(their / mean)
                }
            }
            let product = ratios.reduce(1.0) { $0 * Self.power($1, 1 / Double(ratios.count)) }
            print(
                "| \(policy.rawValue) | \((product * 1000).rounded() / 1000) | \(short(ratios.min() ?? 0)) | \(short(ratios.max() ?? 0)) |"
            )
        }
    }

    private static func power(_ base: Double, _ exponent: Double) -> Double {
        base > 0 ? exp(exponent * log(base)) : 0
    }

    /// Where a gate can go wrong, and where the guarantee ends.
    private func special() async {
        print("\n| what | requests/s | taken back (95 %) | promoted | a person called | failed requests |")
        print("|---|---|---|---|---|---|")
        for rate in Self.rates {
            for (name, policy, change) in Self.cases {
                var model = TrafficModel()
                model.requests = rate
                change(&model)
                let summary = await summary(policy, model)
                let cells = [
                    name, "\(Int(rate))", proportion(summary.rollbackRate), percent(summary.promotionRate.value),
                    percent(summary.waitingRate.value), number(summary.excessBad),
                ]
                print("| \(cells.joined(separator: " | ")) |")
            }
        }
    }

    private static let cases: [(String, Policy, @Sendable (inout TrafficModel) -> Void)] = [
        ("healthy, 2 % errors of both for 5 min", .belay, { $0.incident = .init(from: 180, to: 480, errors: 0.02) }),
        ("healthy, 3 % errors in its first 30 s", .belay, { $0.coldStart = .init(seconds: 30, errors: 0.03) }),
        ("1 % errors from 50 % of the traffic on", .belay, { $0.underLoad = .init(share: 0.5, errors: 0.009) }),
        ("healthy, noise of variance 0.4", .belay, { $0.noise = 0.4 }),
        ("the same, `dispersion: {variance: 0.8}`", .belayNoisy, { $0.noise = 0.4 }),
        ("healthy, its users have 1.5 times the errors", .belay, { $0.canaryErrors = 0.0015 }),
        ("1 % errors, half of them on stable, too", .belay, { ($0.canaryErrors, $0.contamination) = (0.01, 0.5) }),
        ("1 % errors, nine tenths on stable, too", .belay, { ($0.canaryErrors, $0.contamination) = (0.01, 0.9) }),
    ]

    // MARK: Text

    private func percent(_ share: Double) -> String { "\(short(share * 100)) %" }
    private func proportion(_ rate: Proportion) -> String {
        "\(percent(rate.value)) (\(short(rate.low * 100)) … \(short(rate.high * 100)))"
    }
    private func number(_ moments: Moments) -> String {
        guard let mean = moments.mean else { return "" }
        return "\(short(mean)) ± \(short(moments.margin ?? 0))"
    }
    private func short(_ number: Double) -> String { Comparator.short(number) }
}

/// Kayenta as it runs beside a fixed schedule: a judgement every five minutes on a growing window of one-minute points of
/// the error percentage, increase, critical, 95 and 75.
struct KayentaPolicy {
    let steps: [(share: Double, seconds: Double)]

    func play(_ model: TrafficModel, horizon: Double, seed: UInt64) -> Played {
        var series = Judge.Series(name: "errors", canary: "", stable: "")
        (series.direction, series.isCritical) = (.increase, true)
        var traffic = SimulatedTraffic(model, length: 15, seed: seed)
        var (played, step, since) = (Played(), 0, 0.0)
        while traffic.now < horizon {
            traffic.advance(share: steps[step].share)
            if played.fullAt == nil, traffic.now.truncatingRemainder(dividingBy: 300) == 0, isBad(traffic, series) {
                (played.rolledBackAt, played.end) = (traffic.now, .rolledBack(.gate))
                break
            }
            if played.fullAt == nil, traffic.now - since >= steps[step].seconds {
                (step, since) = (step + 1, traffic.now)
                if step == steps.count - 1 { (played.fullAt, played.end) = (traffic.now, .promoted) }
            }
        }
        played.excessBad = traffic.excessBad
        return played
    }

    private func isBad(_ traffic: SimulatedTraffic, _ series: Judge.Series) -> Bool {
        var (canary, stable): ([Double], [Double]) = ([], [])
        for end in stride(from: 60, through: traffic.now - traffic.model.lag, by: 60) {
            let counts = traffic.sum(upTo: end, seconds: 60)
            if counts.canary > 0 { canary.append(counts.canaryBad / counts.canary * 100) }
            if counts.stable > 0 { stable.append(counts.stableBad / counts.stable * 100) }
        }
        return Classifier().classify(canary: canary, stable: stable, series).kind == .high
    }
}
