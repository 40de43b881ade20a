internal import BelayAnalysis
internal import BelayCore
internal import Yams

/// Turns an `AnalysisTemplate` and its arguments into metrics.
struct TemplateReader {
    let environment: [String: String]
    /// What the rollout's placeholders stand for: `canary.backend`, `revision` …
    let facts: [String: String]
    /// The server of the rollout, where the template names none.
    let server: Endpoint?

    private static let known = ["args", "metrics", "dryRun", "measurementRetention", "templates"]

    /// The metrics of one use; issues of the template go to its own file, issues of the arguments to the user's.
    /// - Parameter notes: What is no mistake and worth knowing.
    func metrics(
        of use: TemplateUse, scope: Metric.Scope, issues: inout [SpecIssue], notes: inout [SpecIssue]
    ) -> [Metric] {
        do throws(SpecFailure) {
            let drafts = try specs(of: use)
            let known = declared(in: drafts)
            let values = values(of: use, known)
            let user = SpecContext(file: use.reader.context.file, environment: environment)
            let specs = drafts.map { draft in
                let context = SpecContext(
                    file: draft.context.file, environment: environment, placeholders: Placeholders(values))
                for (name, reader) in use.arguments {
                    context.given["args.\(name)"] = SpecReader(node: reader.node, path: reader.path, context: user)
                }
                return SpecReader(node: draft.node, path: draft.path, context: context)
            }
            let fields = specs.map { $0.fields(Self.known) }
            var read = fields.flatMap { $0.map { metrics(in: $0, scope: scope) } ?? [] }
            // As in Argo, the rules apply to the metrics of all the templates together.
            for fields in fields { applyRules(fields?["dryRun"], fields?["measurementRetention"], to: &read) }
            applyRules(use.dryRun, use.retention, to: &read)
            for (draft, spec) in zip(drafts, specs) {
                issues += draft.context.issues + spec.context.issues
                notes += spec.context.notes
            }
            issues += user.issues
            let used = specs.reduce(into: Set<String>()) { $0.formUnion($1.context.used) }
            for name in known.keys.sorted() where !used.contains("args.\(name)") {
                // A new context is needed: the issues of the drafts' contexts have been collected already.
                let context = SpecContext(file: drafts[0].context.file, environment: environment)
                SpecReader(node: drafts[0].node, path: drafts[0].path, context: context).fail(
                    "the argument `\(name)` is declared and never used")
                issues += context.issues
            }
            return read
        } catch {
            issues += error.issues
            return []
        }
    }

    private func specs(of use: TemplateUse) throws(SpecFailure) -> [SpecReader] {
        if let inline = use.inline {
            let context = SpecContext(file: use.reader.context.file, environment: environment)
            return [SpecReader(node: inline.node, path: inline.path, context: context)]
        }
        var specs: [SpecReader] = []
        for source in use.sources {
            let document = try SpecDocument.parse(
                source, context: SpecContext(file: source.file, environment: environment))
            if document.kind != .analysisTemplate {
                document.spec.fail("this is a \(document.kind.rawValue), not an AnalysisTemplate")
            }
            specs.append(document.spec)
        }
        return specs
    }

    // MARK: Arguments

    /// Declared arguments of all the templates, and their defaults.
    private func declared(in specs: [SpecReader]) -> [String: String?] {
        var known: [String: String?] = [:]
        for spec in specs {
            var lines: [String: Int] = [:]
            guard case .mapping(let mapping) = spec.node, let node = mapping[Node("args")] else { continue }
            let reader = SpecReader(node: node, path: "\(spec.path).args", context: spec.context)
            for item in reader.list() ?? [] {
                guard let fields = item.fields(["name", "value", "valueFrom"]),
                    let name = fields.required("name")?.nonEmptyText()
                else { continue }
                let line = item.node.mark?.line ?? 1
                if let first = lines[name] {
                    item.fail("the argument `\(name)` is declared in line \(first) and again in line \(line)")
                }
                lines[name] = lines[name] ?? line
                if fields["value"] != nil, fields["valueFrom"] != nil {
                    item.fail("either `value` or `valueFrom` is expected")
                }
                // A default may have placeholders of the rollout in it; a reference to a secret is kept as it is.
                let written = fields["value"].flatMap { reader in reader.text().map { fill($0, reader) } }
                let value = written ?? fields["valueFrom"].flatMap(reference)
                if let other = known[name], let first = other, let value, first != value {
                    item.fail("another template has the default `\(first)` for `\(name)`")
                }
                known[name] = .some(value ?? known[name] ?? nil)
            }
        }
        return known
    }

    /// The place of a value that is read each time it is used, so that no secret gets into the journal.
    private func reference(_ reader: SpecReader) -> String? {
        let later = ["secretKeyRef", "fieldRef", "podTemplateHashValue"]
        guard let fields = reader.fields(["env", "file"], later: later),
            let kind = fields.exactlyOne(of: ["env", "file"]), let place = fields[kind]?.nonEmptyText()
        else { return nil }
        guard !place.contains("}"), !place.contains("{") else {
            reader.fail("`\(place)` is no name of a variable and no path")
            return nil
        }
        return "{{\(kind):\(place)}}"
    }

    private func values(of use: TemplateUse, _ known: [String: String?]) -> [String: String] {
        var values = facts
        for (name, fallback) in known { if let fallback { values["args.\(name)"] = fallback } }
        var given: Set<String> = []
        for (name, reader) in use.arguments {
            guard known.keys.contains(name) else {
                reader.fail("the template has no argument `\(name)`\(Spelling.hint(for: name, in: Array(known.keys)))")
                continue
            }
            if case .mapping = reader.node {
                if let from = reader.fields(["valueFrom"])?.required("valueFrom").flatMap(reference) {
                    values["args.\(name)"] = from
                }
            } else if let value = reader.text() {
                values["args.\(name)"] = fill(value, reader)
            }
            given.insert(name)
        }
        let missing = known.keys.sorted().filter { known[$0]! == nil && !given.contains($0) }
        for (index, name) in missing.enumerated() {
            use.reader.fail("the argument `\(name)` is missing")
            values["args.\(name)"] = "\(index + 1)"  // So that the rest is still checked.
        }
        return values
    }

    private func fill(_ text: String, _ reader: SpecReader) -> String {
        do throws(Placeholders.Failure) {
            return try Placeholders(facts).fill(text)
        } catch {
            reader.fail(error.message)
            return text
        }
    }

    // MARK: Metrics

    private func metrics(in fields: SpecFields, scope: Metric.Scope) -> [Metric] {
        let isNested = fields["templates"] != nil
        let readers = (isNested ? fields["metrics"] : fields.required("metrics"))?.list() ?? []
        if readers.isEmpty, let owner = fields["metrics"] { owner.fail("at least one metric is expected") }
        let reader = MetricReader(server: server, scope: scope)
        return readers.compactMap { reader.metric($0) }
    }

    private func applyRules(_ dryRun: SpecReader?, _ retention: SpecReader?, to metrics: inout [Metric]) {
        for index in matching(dryRun, ["metricName"], metrics) { metrics[index].isDryRun = true }
        _ = matching(retention, ["metricName", "limit"], metrics)
        retention?.note(
            "accepted and of no effect: every measurement stays in the journal, whose chain proves that none is gone")
    }

    /// The metrics that rules name. As in Argo a rule is a regular expression that may match anywhere in the name, and one
    /// that matches nothing is a mistake.
    private func matching(_ reader: SpecReader?, _ known: [String], _ metrics: [Metric]) -> Set<Int> {
        var found: Set<Int> = []
        for item in reader?.list() ?? [] {
            guard let fields = item.fields(known), let rule = fields.required("metricName"),
                let text = rule.nonEmptyText()
            else { continue }
            if known.contains("limit") { _ = fields.required("limit")?.integer(1...1_000_000) }
            guard let pattern = try? Regex(text) else {
                rule.fail("`\(text.shortened)` is no regular expression; all metrics are `.*`")
                continue
            }
            let matches = metrics.indices.filter { metrics[$0].name.contains(pattern) }
            if matches.isEmpty { rule.fail("`\(text)` matches no metric's name") }
            found.formUnion(matches)
        }
        return found
    }
}
