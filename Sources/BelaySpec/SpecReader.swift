internal import BelayAnalysis
internal import BelayCore
internal import Yams

/// One node of a YAML file with its path. Every reading either gives a value or reports an issue and gives nil.
struct SpecReader {
    let node: Node
    let path: String
    let context: SpecContext

    func fail(_ message: String, columnOffset: Int = 0) {
        let text = path.isEmpty ? message : "\(path): \(message)"
        // Where an argument filled the value in, the mistake is reported in the file that gives the argument.
        let names = node.scalar.map { Placeholders.names(in: $0.string) } ?? []
        if let name = names.first(where: { context.given[$0] != nil }), let argument = context.given[name] {
            return argument.context.report(
                "\(argument.path): \(message) (\(context.file):\(node.mark?.line ?? 1), \(path))",
                at: argument.node.mark)
        }
        context.report(text, at: node.mark, columnOffset: columnOffset)
    }

    /// Something worth knowing that is no mistake; only `lint` shows it.
    func note(_ message: String) { context.note(path.isEmpty ? message : "\(path): \(message)", at: node.mark) }

    /// The members of a mapping; unknown keys are reported with the nearest valid one.
    /// - Parameter later: Keys that the contract names and this version cannot do; they are refused by name.
    func fields(_ known: [String], later: [String] = []) -> SpecFields? {
        guard case .mapping(let mapping) = node else {
            fail("a mapping is expected here, with \(known.joined(separator: ", "))")
            return nil
        }
        var (members, misspelt): ([String: SpecReader], Set<String>) = ([:], [])
        var isLater = false
        for (key, value) in mapping {
            guard let name = key.scalar?.string else {
                context.report("\(path): a key must be a plain word", at: key.mark)
                continue
            }
            let member = SpecReader(node: value, path: path.isEmpty ? name : "\(path).\(name)", context: context)
            if known.contains(name) {
                members[name] = member
            } else if later.contains(name) {
                context.report("\(member.path): this version of Belay cannot do `\(name)` yet", at: key.mark)
                isLater = true
            } else {
                let hint = Spelling.hint(for: name, in: known)
                if let meant = Spelling.nearest(to: name, in: known) { misspelt.insert(meant) }
                context.report("\(path.isEmpty ? "" : path + ": ")unknown key `\(name)`\(hint)", at: key.mark)
            }
        }
        return SpecFields(members: members, owner: self, misspelt: misspelt, isLater: isLater)
    }

    /// The keys of a mapping whose names the user chooses, in the order written.
    func entries() -> [(key: String, value: SpecReader)]? {
        guard case .mapping(let mapping) = node else {
            fail("a mapping is expected here")
            return nil
        }
        return mapping.compactMap { key, value in
            guard let name = key.scalar?.string else { return nil }
            return (name, SpecReader(node: value, path: "\(path).\(name)", context: context))
        }
    }

    /// The node at a path below this one, as far as there is one: `map.file`, `instances[1].socket`.
    func descendant(_ path: String) -> SpecReader {
        path.split(whereSeparator: { ".[]".contains($0) }).reduce(self) { reader, step in
            let below: Node? =
                switch reader.node {
                case .mapping(let mapping): mapping[Node(String(step))]
                case .sequence(let sequence):
                    Int(step).flatMap { sequence.indices.contains($0) ? sequence[$0] : nil }
                case .scalar, .alias: nil
                }
            let isIndex = if case .sequence = reader.node { true } else { false }
            let name = isIndex ? "\(reader.path)[\(step)]" : "\(reader.path).\(step)"
            return below.map { SpecReader(node: $0, path: name, context: context) } ?? reader
        }
    }

    func list() -> [SpecReader]? {
        guard case .sequence(let sequence) = node else {
            fail("a list is expected here")
            return nil
        }
        return sequence.enumerated().map { SpecReader(node: $1, path: "\(path)[\($0)]", context: context) }
    }

    /// A scalar's text, `${NAME}` and `{{…}}` replaced.
    /// - Parameter allowsSecrets: Whether references to secrets, which are read only when they are used, may stand in
    ///   it.
    func text(allowsSecrets: Bool = false) -> String? {
        guard case .scalar(let scalar) = node else {
            fail("a single value is expected here")
            return nil
        }
        guard let expanded = expandEnvironment(scalar.string) else { return nil }
        if isAboutSeries, let emptied = emptiedMatcher(in: scalar.string) {
            fail(
                "`\(emptied)` has no value here, and a matcher of nothing selects every series without that label; where that "
                    + "is meant, write `\"\"`")
            return nil
        }
        guard let placeholders = context.placeholders else {
            let names = Placeholders.names(in: expanded)
            if let name = names.first(where: { _ in context.refusesPlaceholders }) {
                fail("`{{\(name)}}` is not known here; an environment variable is written as ${NAME}")
                return nil
            }
            return expanded
        }
        context.used.formUnion(Placeholders.names(in: expanded))
        do throws(Placeholders.Failure) {
            let filled = try placeholders.fill(expanded)
            if !allowsSecrets, filled.contains("{{env:") || filled.contains("{{file:") {
                fail(
                    "a value from `valueFrom` is read each time it is used, and may stand in an address, a header, a "
                        + "body or a command's environment; what is no secret may be ${NAME} here")
                return nil
            }
            return filled
        } catch {
            fail(error.message)
            return nil
        }
    }

    func nonEmptyText(allowsSecrets: Bool = false) -> String? {
        guard let text = text(allowsSecrets: allowsSecrets) else { return nil }
        if text.isEmpty { fail("must not be empty") }
        return text.isEmpty ? nil : text
    }

    func integer(_ range: ClosedRange<Int>) -> Int? {
        guard let text = text() else { return nil }
        guard let value = Int(text), range.contains(value) else {
            fail("`\(text.shortened)` is not a whole number in \(range.lowerBound)…\(range.upperBound)")
            return nil
        }
        return value
    }

    /// A number; `0.5%` is 0.005.
    func number(_ range: ClosedRange<Double>, as what: String = "number") -> Double? {
        guard let text = text() else { return nil }
        let percent = text.hasSuffix("%")
        let digits = percent ? String(text.dropLast()).filter { $0 != " " } : text
        guard let number = Double(digits), range.contains(percent ? number / 100 : number) else {
            fail("`\(text.shortened)` is not a \(what) in \(range.lowerBound)…\(range.upperBound)")
            return nil
        }
        return percent ? number / 100 : number
    }

    func bool() -> Bool? {
        guard let text = text() else { return nil }
        guard let value = ["true": true, "false": false][text] else {
            fail("`\(text.shortened)` is neither true nor false")
            return nil
        }
        return value
    }

    /// Any value, with the types that YAML gives it.
    func json(allowsSecrets: Bool = false) -> JSONValue? {
        guard path.count(where: { $0 == "." || $0 == "[" }) <= 40 else {
            fail("is nested too deep")
            return nil
        }
        switch node {
        case .mapping:
            var members: [JSONValue.Member] = []
            for (key, value) in entries() ?? [] {
                guard let value = value.json(allowsSecrets: allowsSecrets) else { return nil }
                members.append(.init(key, value))
            }
            return .object(members)
        case .sequence:
            var items: [JSONValue] = []
            for item in list() ?? [] {
                guard let value = item.json(allowsSecrets: allowsSecrets) else { return nil }
                items.append(value)
            }
            return .array(items)
        case .scalar, .alias:
            guard let text = text(allowsSecrets: allowsSecrets) else { return nil }
            // What is filled in is a text, whatever it looks like: a commit `12e4567` is no number.
            guard case .scalar(let scalar) = node, scalar.style == .plain, scalar.string == text else {
                return .string(text)
            }
            return Self.plain(text)
        }
    }

    /// What a word without quotes means in YAML.
    private static func plain(_ text: String) -> JSONValue {
        switch text {
        case "null", "~", "": return .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        default:
            if let whole = Int64(text) { return .int(whole) }
            return Double(text).flatMap { $0.isFinite ? .double($0) : nil } ?? .string(text)
        }
    }

    func duration() -> Duration? {
        guard let text = text() else { return nil }
        guard let value = Duration(text: text) else {
            fail("`\(text.shortened)` is not a duration such as 90s, 5m or 1h30m")
            return nil
        }
        return value
    }

    func weight() -> Weight? {
        guard let text = text() else { return nil }
        let digits = text.hasSuffix("%") ? String(text.dropLast()) : text
        guard digits.allSatisfy({ $0.isASCII && ($0.isNumber || "-.".contains($0)) }), let percent = Double(digits)
        else {
            fail("`\(text.shortened)` is not a weight in percent")
            return nil
        }
        guard (0...100).contains(percent) else {
            fail("weight \(digits) is not in 0…100")
            return nil
        }
        guard let weight = Weight(percent: percent) else {
            fail("weight \(digits) is finer than 0.01 %, the smallest step there is")
            return nil
        }
        return weight
    }

    func choice<Value: RawRepresentable & CaseIterable>(_ type: Value.Type) -> Value? where Value.RawValue == String {
        guard let text = text() else { return nil }
        guard let value = Value(rawValue: text) else {
            fail(
                "`\(text.shortened)` is not known\(Spelling.hint(for: text, in: Value.allCases.map(\.rawValue)))")
            return nil
        }
        return value
    }

    /// Whether this is a query, or an argument that may become a part of one. Elsewhere `x="${Y}"` is no matcher.
    private var isAboutSeries: Bool {
        [".prometheus.", ".series[", ".args"].contains { path.contains($0) }
    }

    /// A placeholder or variable that fills a whole quoted matcher, as in `version="{{args.version}}"`, and whose value
    /// is empty; nil where there is none.
    private func emptiedMatcher(in written: String) -> Substring? {
        var rest = written[...]
        while let open = rest.firstIndex(where: { $0 == "=" || $0 == "~" }) {
            rest = rest[open...].dropFirst().drop(while: \.isWhitespace)
            guard let quote = rest.first, quote == "\"" || quote == "'" else { continue }
            let inner = rest.dropFirst().prefix { $0 != quote }
            rest = rest.dropFirst(inner.count + 1)
            let filled = context.placeholders.flatMap { try? $0.fill(String(inner)) } ?? String(inner)
            let isFilled = inner.contains("${") || filled != inner
            guard isFilled, let value = filled.contains("${") ? expandEnvironment(filled) : filled else { continue }
            if value.allSatisfy(\.isWhitespace) { return inner }
        }
        return nil
    }

    private func expandEnvironment(_ text: String) -> String? {
        var expanded = ""
        var rest = text[...]
        while let open = rest.firstRange(of: "${") {
            expanded += rest[..<open.lowerBound]
            guard let close = rest[open.upperBound...].firstIndex(of: "}") else {
                fail("`${` without `}`")
                return nil
            }
            let name = String(rest[open.upperBound..<close])
            guard let value = context.environment[name] else {
                fail("the environment variable \(name) is not set")
                return nil
            }
            guard !value.contains("{{"), !value.contains("}}") else {
                fail("the value of ${\(name)} has `{{` or `}}`: what comes from outside is no placeholder")
                return nil
            }
            expanded += value
            rest = rest[close...].dropFirst()
        }
        return expanded + rest
    }

}
