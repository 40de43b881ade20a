internal import BelayAnalysis
internal import BelayCore

/// A simulation's result as a picture: for each case how many requests fail under each policy, and how often the version
/// is taken back. Bars are on a logarithmic scale, since a gate that works is orders of magnitude away from none.
struct SimulationPicture {
    let plan: Plan
    let base: TrafficModel
    let limit: Double
    let results: [SimulationResult]

    private static let width = 860.0
    private static let left = 190.0
    private static let barWidth = 400.0
    private static let rowHeight = 24.0
    private static let colors: [SimulationResult.Policy: String] = [
        .gates: "#1a7f37", .threshold: "#bf8700", .none: "#cf222e",
    ]

    var text: String {
        var body: [String] = []
        var y = 64.0
        body.append(label(24, 30, "\(plan.name): \(traffic)", size: 16, weight: "600"))
        body.append(
            label(
                24, 50, "requests that failed because of the new version, mean of \(runs) runs (logarithmic)",
                color: "#57606a"))
        for result in results {
            y += 18
            body.append(
                label(
                    24, y, "\(result.name), \(SimulationResult.percent(result.model.canaryErrors)) errors",
                    weight: "600"))
            y += 8
            for policy in SimulationResult.Policy.allCases {
                guard let summary = result.summaries[policy] else { continue }
                body += row(result, policy, summary, y)
                y += Self.rowHeight
            }
            y += 10
        }
        body.insert(contentsOf: axis(from: 64, to: y), at: 2)
        let height = Int(y + 36)
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(Self.width)) \(height)" width="\(Int(Self.width))" \
            height="\(height)" font-family="system-ui, sans-serif" font-size="13">
            <rect width="100%" height="100%" fill="#ffffff"/>
            \(body.joined(separator: "\n"))
            </svg>

            """
    }

    private var runs: Int { results.first?.summaries[.gates]?.runs ?? 0 }

    private var traffic: String {
        "\(Comparator.short(base.requests)) requests/s, \(SimulationResult.percent(base.baseErrors)) errors"
    }

    /// The length of the axis in digits: it reaches up to the worst of all cases.
    private var scale: Double {
        let most = results.flatMap { $0.summaries.values }.compactMap { $0.excessBad.mean }.max() ?? 1
        return max(Self.digits(most), 1)
    }

    /// About the decimal logarithm of the number plus one: 0 for 0, 1 for 9, 2 for 99, and parts in between.
    private static func digits(_ number: Double) -> Double {
        var (rest, digits) = (number + 1, 0.0)
        while rest >= 10 { (rest, digits) = (rest / 10, digits + 1) }
        // Between two powers of ten a straight line is near enough for a bar.
        return digits + (rest - 1) / 9
    }

    /// A line for each power of ten, with its number below.
    private func axis(from top: Double, to bottom: Double) -> [String] {
        var marks: [String] = []
        for power in 0...Int(scale.rounded(.down)) {
            // `digits` counts from 0 for no request at all: 10ⁿ − 1 is n digits.
            let x = Self.left + Double(power) / scale * Self.barWidth
            let number = power == 0 ? "0" : "1" + String(repeating: "0", count: power)
            marks.append(
                "<line x1=\"\(Comparator.short(x))\" y1=\"\(top)\" x2=\"\(Comparator.short(x))\" y2=\"\(bottom + 4)\" "
                    + "stroke=\"#d0d7de\"/>")
            marks.append(label(x, bottom + 20, number, size: 11, color: "#57606a", anchor: "middle"))
        }
        return marks
    }

    private func row(
        _ result: SimulationResult, _ policy: SimulationResult.Policy, _ summary: PlayedSummary, _ y: Double
    ) -> [String] {
        let mean = summary.excessBad.mean ?? 0
        let length = max(Self.digits(mean) / scale * Self.barWidth, 1)
        let verdict =
            result.model.isHealthy
            ? "\(SimulationResult.percent(summary.rollbackRate.value)) taken back"
            : "\(SimulationResult.percent(summary.promotionRate.value)) let through"
        let reached = summary.secondsToFull.mean.map { ", 100 % after \(Int($0.rounded())) s" } ?? ""
        let back = summary.secondsToRollback.mean.map { ", back after \(Int($0.rounded())) s" } ?? ""
        let note = verdict + (result.model.isHealthy ? reached : back)
        let number = result.model.isHealthy ? "" : Comparator.short(mean.rounded())
        return [
            label(Self.left - 10, y + 16, result.title(of: policy, limit: limit), anchor: "end"),
            "<rect x=\"\(Self.left)\" y=\"\(y + 4)\" width=\"\(Comparator.short(length))\" height=\"16\" rx=\"3\" "
                + "fill=\"\(Self.colors[policy] ?? "#000")\"/>",
            label(Self.left + length + 8, y + 16, [number, note].filter { !$0.isEmpty }.joined(separator: " · ")),
        ]
    }

    private func label(
        _ x: Double, _ y: Double, _ text: String, size: Int = 13, weight: String = "400", color: String = "#1f2328",
        anchor: String = "start"
    ) -> String {
        let escaped = text.replacing("&", with: "&amp;").replacing("<", with: "&lt;")
        return "<text x=\"\(Comparator.short(x))\" y=\"\(Comparator.short(y))\" font-size=\"\(size)\" "
            + "font-weight=\"\(weight)\" fill=\"\(color)\" text-anchor=\"\(anchor)\">\(escaped)</text>"
    }
}
