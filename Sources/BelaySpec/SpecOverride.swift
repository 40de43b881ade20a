internal import Yams

/// `--set spec.strategy.canary.steps[0].hold=1m`.
enum SpecOverride {
    /// - Returns: What is wrong, or nil.
    static func set(_ path: String, to value: String, in node: inout Node) -> String? {
        guard let parts = parts(of: path), !parts.isEmpty else { return "the path does not read like a.b[0].c" }
        return set(parts[...], to: value, in: &node)
    }

    private enum Part {
        case key(String)
        case index(Int)
    }

    private static func parts(of path: String) -> [Part]? {
        var parts: [Part] = []
        for piece in path.split(separator: ".", omittingEmptySubsequences: false) {
            let name = piece.prefix { $0 != "[" }
            guard !name.isEmpty else { return nil }
            parts.append(.key(String(name)))
            for index in piece.dropFirst(name.count).split(separator: "[") {
                guard index.hasSuffix("]"), let number = Int(index.dropLast()), number >= 0 else { return nil }
                parts.append(.index(number))
            }
        }
        return parts
    }

    private static func set(_ parts: ArraySlice<Part>, to value: String, in node: inout Node) -> String? {
        guard let first = parts.first else {
            node = .scalar(.init(value, Tag(.implicit), .any, node.mark))
            return nil
        }
        switch (first, node) {
        case (.key(let key), .mapping(var mapping)):
            var child = mapping[Node(key)] ?? (parts.count == 1 ? Node("") : Node.mapping(.init([])))
            let problem = set(parts.dropFirst(), to: value, in: &child)
            mapping[Node(key)] = child
            node = .mapping(mapping)
            return problem
        case (.index(let index), .sequence(var sequence)):
            guard index < sequence.count else { return "there is no element \(index), the list has \(sequence.count)" }
            var child = sequence[index]
            let problem = set(parts.dropFirst(), to: value, in: &child)
            sequence[index] = child
            node = .sequence(sequence)
            return problem
        case (.key(let key), _): return "`\(key)` is asked of something that is no mapping"
        case (.index(let index), _): return "[\(index)] is asked of something that is no list"
        }
    }
}
