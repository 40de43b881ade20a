internal import BelayCore
internal import BelayPlatform

/// What is different in two objects, for people.
enum ObjectDifference {
    /// One line for each value: `~ spec.replicas: 3 → 0`, `+ …` for one that is new, `- …` for one that goes.
    static func lines(_ old: JSONValue?, _ new: JSONValue?, at path: String) -> [String] {
        switch (old, new) {
        case (let old, let new) where old == new: return []
        case (.object(let olds)?, .object(let news)?):
            let added = news.map(\.key).filter { key in !olds.contains { $0.key == key } }
            return (olds.map(\.key) + added).flatMap { key in
                lines(old?[key], new?[key], at: isPlain(key) ? "\(path).\(key)" : "\(path)[\(key)]")
            }
        case (.array(let olds)?, .array(let news)?):
            return (0..<max(olds.count, news.count)).flatMap { index in
                lines(
                    olds.indices.contains(index) ? olds[index] : nil, news.indices.contains(index) ? news[index] : nil,
                    at: "\(path)[\(index)]")
            }
        case (let old?, let new?): return ["~ \(path): \(text(old)) → \(text(new))"]
        case (nil, let new?): return ["+ \(path): \(text(new))"]
        case (let old?, nil): return ["- \(path): \(text(old))"]
        case (nil, nil): return []
        }
    }

    /// A path as these lines have it: `spec.containers[0].image`.
    static func path(_ steps: [String]) -> String {
        steps.reduce("") { path, step in
            if !isPlain(step) || Int(step) != nil { return "\(path)[\(step)]" }
            return path.isEmpty ? step : "\(path).\(step)"
        }
    }

    private static func isPlain(_ key: String) -> Bool { !key.contains { ".[]/".contains($0) } }

    private static func text(_ value: JSONValue) -> String {
        (value.string ?? JSONText.write(value)).printable.shortened
    }
}
