/// One measured figure: the median of its runs, and what it must stay under.
struct Figure {
    let name: String
    let values: [Double]
    let unit: String
    /// nil: only shown.
    let limit: Double?

    var median: Double {
        let sorted = values.sorted()
        return sorted.isEmpty ? .nan : sorted[sorted.count / 2]
    }

    var isWithin: Bool { limit.map { median <= $0 } ?? true }

    var text: String {
        let spread = "\(Self.short(values.min() ?? .nan))…\(Self.short(values.max() ?? .nan))"
        let bound = limit.map { "limit \(Self.short($0)) \(unit)  \(isWithin ? "ok" : "MISSED")" } ?? ""
        return "\(name): median \(Self.short(median)) \(unit) of \(values.count) (\(spread))  \(bound)"
    }

    private static func short(_ value: Double) -> String {
        value >= 100 ? "\(Int(value.rounded()))" : "\((value * 10).rounded() / 10)"
    }
}
