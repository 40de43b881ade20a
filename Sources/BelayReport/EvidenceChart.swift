internal import BelayCore
internal import BelayPlatform

/// Drawings of a rollout as SVG inside a page.
enum EvidenceChart {
    private static let (width, height, left, bottom) = (800.0, 170.0, 74.0, 26.0)
    /// More points than these show nothing more in this width.
    private static let mostPoints = 300

    /// The canary's share over time, with the moment of the way back.
    static func shares(_ story: RolloutStory) -> String {
        guard let first = story.shares.first else { return "<p>No share was confirmed.</p>" }
        var path = "M\(x(first.at, story)) \(y(fraction(first.share)))"
        for point in story.shares.dropFirst() { path += "H\(x(point.at, story))V\(y(fraction(point.share)))" }
        path += "H\(x(story.endedAt, story))"
        let labels = [0.0, 0.5, 1].map { value in
            line(y(value), "var(--line)") + label("\(Int(value * 100)) %", y(value))
        }.joined()
        return svg("the canary's share over time", labels + curve(path) + decision(story) + axis(story))
    }

    /// A metric's values over time, with its limit where it is a number.
    static func metric(_ index: Int, _ story: RolloutStory) -> String {
        let found = story.records.compactMap { record -> (at: Timestamp, value: Double, isBad: Bool)? in
            guard case .measured(let measured) = record.event, measured.measurement.metric == index,
                let value = Double(measured.measurement.value.filter { !"[]".contains($0) }), value.isFinite
            else { return nil }
            return (measured.measurement.finishedAt, value, measured.measurement.phase == .failed)
        }
        let count = story.records.count {
            if case .measured(let measured) = $0.event { measured.measurement.metric == index } else { false }
        }
        guard !found.isEmpty else {
            return "<p>\(count == 0 ? "Not measured." : "\(count) measurements, none of them a number.")</p>"
        }
        let limit = story.plan.metrics[index].most
        let top = max(found.map(\.value).max() ?? 0, limit ?? 0)
        let low = min(found.map(\.value).min() ?? 0, 0)
        let range = top > low ? top - low : 1
        func place(_ value: Double) -> String { y((value - low) / range) }
        // Every failed one is kept.
        let step = max(1, found.count / mostPoints)
        let points = found.indices.filter { $0 % step == 0 || found[$0].isBad || $0 == found.count - 1 }.map {
            found[$0]
        }
        let path = "M" + points.map { "\(x($0.at, story)) \(place($0.value))" }.joined(separator: "L")
        let dots = points.filter(\.isBad).suffix(mostPoints).map {
            "<circle cx=\"\(x($0.at, story))\" cy=\"\(place($0.value))\" r=\"3\" fill=\"var(--bad)\"/>"
        }.joined()
        let bound = limit.map { line(place($0), "var(--bad)", isDashed: true) + label("\($0)", place($0)) } ?? ""
        let labels = label(short(top), place(top)) + label(short(low), place(low))
        return svg(
            "\(count) measurements",
            bound + (limit == top ? label(short(low), place(low)) : labels) + curve(path) + dots + decision(story)
                + axis(story))
    }

    // MARK: Parts

    private static func fraction(_ share: Weight) -> Double {
        Double(share.basisPoints) / Double(Weight.full.basisPoints)
    }

    private static func x(_ at: Timestamp, _ story: RolloutStory) -> String {
        let whole = Double(max(1, story.startedAt.duration(to: story.endedAt).wholeMilliseconds))
        let part = Double(story.startedAt.duration(to: at).wholeMilliseconds) / whole
        return round(left + min(max(part, 0), 1) * (width - left - 8))
    }

    private static func y(_ fraction: Double) -> String { round(8 + (1 - fraction) * (height - bottom - 16)) }

    private static func round(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }

    private static func short(_ value: Double) -> String {
        let magnitude = value.magnitude
        if magnitude == 0 { return "0" }
        var scale = 1.0
        while magnitude * scale < 100, scale < 1e9 { scale *= 10 }
        return "\((value * scale).rounded() / scale)"
    }

    private static func svg(_ title: String, _ inner: String) -> String {
        "<svg viewBox=\"0 0 \(Int(width)) \(Int(height))\" role=\"img\"><title>\(title.xml)</title>\(inner)</svg>"
    }

    private static func curve(_ path: String) -> String {
        "<path d=\"\(path)\" fill=\"none\" stroke=\"var(--mark)\" stroke-width=\"2\"/>"
    }

    private static func line(_ y: String, _ color: String, isDashed: Bool = false) -> String {
        "<line x1=\"\(left)\" x2=\"\(width - 8)\" y1=\"\(y)\" y2=\"\(y)\" stroke=\"\(color)\"\(isDashed ? " stroke-dasharray=\"4 3\"" : "")/>"
    }

    private static func label(_ text: String, _ y: String) -> String {
        "<text x=\"2\" y=\"\(y)\" dy=\"4\">\(text.xml)</text>"
    }

    private static func decision(_ story: RolloutStory) -> String {
        guard let at = story.wayBack?.at else { return "" }
        let place = x(at, story)
        return
            "<line x1=\"\(place)\" x2=\"\(place)\" y1=\"4\" y2=\"\(height - bottom)\" stroke=\"var(--bad)\"><title>the way back began</title></line>"
    }

    private static func axis(_ story: RolloutStory) -> String {
        let (start, end) = (
            story.startedAt.iso8601.dropFirst(11).prefix(8), story.endedAt.iso8601.dropFirst(11).prefix(8)
        )
        return
            "<text x=\"\(left)\" y=\"\(height - 4)\">\(start)</text><text x=\"\(width - 8)\" y=\"\(height - 4)\" text-anchor=\"end\">\(end) UTC</text>"
    }
}
