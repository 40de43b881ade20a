package import BelayCore

extension Plan {
    /// 10, 25, 50 and 100 %, one to five minutes each, with one gate that compares errors: what the study and its tests play.
    package static func compared(_ change: (inout Comparison) -> Void = { _ in }) -> Plan {
        var comparison = Comparison()
        change(&comparison)
        var counters = CounterQuery(canary: "canary", stable: "stable")
        counters.bad = [.init(label: "code", pattern: "5..")]
        var metric = Metric(
            name: "errors",
            query: PrometheusQuery(server: Endpoint(address: "http://p"), question: .counters(counters)))
        metric.comparison = comparison
        let hold = Hold(min: .seconds(60), max: .seconds(300))
        let steps = [1000, 2500, 5000].map { PlanStep(weight: Weight(basisPoints: $0)!, hold: hold) }
        let sides = Sides(first: Side(name: "a", backend: "a"), second: Side(name: "b", backend: "b"))
        return Plan(
            name: "app", revision: "2", target: .imaginary(sides),
            roles: Roles(canaryIsSecond: true), steps: steps + [PlanStep(weight: .full)], metrics: [metric])
    }
}
