internal import BelayCore
internal import Yams

/// A file's parsed text: its kind, its name and its `spec`.
struct SpecDocument {
    /// Larger files are refused before they are parsed: 1 MB of YAML takes a third of a second and 44 MB.
    static let sizeLimit = 1 << 20
    /// Aliases can make a small file explode while it is walked.
    static let nodeLimit = 50_000

    let kind: SpecKind
    let name: String
    let spec: SpecReader

    /// - Throws: ``SpecFailure`` with the first error of YAML that does not parse, or what is wrong with the head.
    static func parse(
        _ source: SpecSource, overrides: [(path: String, value: String)] = [], context: SpecContext
    ) throws(SpecFailure) -> SpecDocument {
        guard source.text.utf8.count <= sizeLimit else {
            context.report("the file is larger than 1 MB", at: nil)
            throw SpecFailure(context.issues)
        }
        guard var node = try compose(source, context) else {
            context.report("the file is empty", at: nil)
            throw SpecFailure(context.issues)
        }
        var budget = nodeLimit
        guard count(node, &budget) else {
            context.report("the file has more than \(nodeLimit) values once its aliases are followed", at: nil)
            throw SpecFailure(context.issues)
        }
        for (path, value) in overrides {
            if let problem = SpecOverride.set(path, to: value, in: &node) {
                context.report("--set \(path): \(problem)", at: nil)
            }
        }
        return try head(SpecReader(node: node, path: "", context: context))
    }

    private static func compose(_ source: SpecSource, _ context: SpecContext) throws(SpecFailure) -> Node? {
        do {
            return try Yams.compose(
                yaml: source.text.hasPrefix("\u{FEFF}") ? String(source.text.dropFirst()) : source.text)
        } catch let error as YamlError {
            switch error {
            case .scanner(let reason, let problem, let mark, _), .parser(let reason, let problem, let mark, _),
                .composer(let reason, let problem, let mark, _):
                let because = reason.map { "\($0.text): " } ?? ""
                context.report("not YAML: \(because)\(firstLine(problem))", at: mark)
            case .duplicatedKeysInMapping(let keys, let found):
                context.report(
                    "the key `\(keys.joined(separator: "`, `"))` stands more than once in one mapping", at: found.mark)
            case .reader(let problem, _, _, _): context.report("not YAML: \(firstLine(problem))", at: nil)
            default: context.report("not YAML: \(firstLine("\(error)"))", at: nil)
            }
        } catch {
            context.report("not YAML: \(firstLine("\(error)"))", at: nil)
        }
        throw SpecFailure(context.issues)
    }

    private static func firstLine(_ text: String) -> String {
        String(text.split(separator: "\n").first { !$0.isEmpty } ?? "").prefix(160).description
    }

    private static func count(_ node: Node, _ budget: inout Int) -> Bool {
        budget -= 1
        guard budget > 0 else { return false }
        switch node {
        case .scalar, .alias: return true
        case .sequence(let sequence):
            for item in sequence where !count(item, &budget) { return false }
        case .mapping(let mapping):
            for (key, value) in mapping where !count(key, &budget) || !count(value, &budget) { return false }
        }
        return true
    }

    private static func head(_ reader: SpecReader) throws(SpecFailure) -> SpecDocument {
        let context = reader.context
        guard let fields = reader.fields(["apiVersion", "kind", "metadata", "spec"]) else {
            throw SpecFailure(context.issues)
        }
        let version = fields.required("apiVersion")?.text()
        let kindText = fields.required("kind")?.text()
        var kind = kindText.flatMap { SpecKind(rawValue: $0) }
        let isArgo = version.map { $0.hasPrefix("argoproj.io/") } ?? false
        if isArgo, kindText == "ClusterAnalysisTemplate" { kind = .analysisTemplate }
        if let version, version != "belay.dev/v1", !(isArgo && kind == .analysisTemplate) {
            fields["apiVersion"]?.fail("`\(version)` is not known; this version reads belay.dev/v1")
        }
        if let kindText, kind == nil {
            fields["kind"]?.fail(
                "`\(kindText)` is not known\(Spelling.hint(for: kindText, in: SpecKind.allCases.map(\.rawValue)))")
        }
        let labels = ["name", "labels", "annotations"] + (isArgo ? ["namespace"] : [])
        let name = fields.required("metadata")?.fields(labels)?.required("name")?.nonEmptyText()
        if let name, !isPlainName(name) {
            fields["metadata"]?.fail("the name `\(name)` may have a-z, 0-9, `-` and `.`, 63 at most")
        }
        let spec = fields.required("spec")
        // With a mistake in the head the rest is still read: all mistakes at once.
        guard let spec else { throw SpecFailure(context.issues) }
        return SpecDocument(kind: kind ?? guessedKind(of: spec), name: name ?? "unnamed", spec: spec)
    }

    private static func guessedKind(of spec: SpecReader) -> SpecKind {
        guard case .mapping(let mapping) = spec.node else { return .rollout }
        if mapping[Node("metrics")] != nil { return .analysisTemplate }
        return mapping[Node("canary")] != nil || mapping[Node("blueGreen")] != nil ? .strategy : .rollout
    }

    private static func isPlainName(_ name: String) -> Bool {
        name.utf8.count <= 63 && name.first != "-"
            && name.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-" || $0 == ".") }
    }
}
