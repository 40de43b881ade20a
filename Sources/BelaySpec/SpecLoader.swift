package import BelayCore
internal import Yams

/// Turns YAML text into checked values. Reads no file itself: what a `ref` means is told by the caller.
package struct SpecLoader {
    /// The text that a name refers to, seen from a file; nil where there is none.
    package typealias Resolver = (_ kind: SpecKind, _ name: String, _ from: String) -> SpecSource?

    private let environment: [String: String]
    private let overrides: [(path: String, value: String)]
    private let names: (SpecKind) -> [String]
    private let resolve: Resolver

    /// - Parameter names: The names that are known without a file, for the nearest word in a message.
    package init(
        environment: [String: String] = [:], overrides: [(path: String, value: String)] = [],
        names: @escaping (SpecKind) -> [String] = { _ in [] }, resolve: @escaping Resolver
    ) {
        self.environment = environment
        self.overrides = overrides
        self.names = names
        self.resolve = resolve
    }

    /// Reads a rollout and everything it refers to.
    /// - Throws: ``SpecFailure`` with every issue of all files.
    package func rollout(_ source: SpecSource, revision: String? = nil) throws(SpecFailure) -> RolloutSpec {
        let context = SpecContext(file: source.file, environment: environment)
        let document = try SpecDocument.parse(source, overrides: overrides, context: context)
        guard document.kind == .rollout else {
            document.spec.fail("this is a \(document.kind.rawValue); a Rollout is expected")
            throw SpecFailure(context.issues)
        }
        var found: [String] = []
        var others: [SpecContext] = []
        let spec = read(document, revision, found: &found, others: &others)
        let issues = context.issues + others.flatMap(\.issues)
        guard let spec else { throw SpecFailure(issues) }
        // The plan is compiled with either side as stable, so that a mistake in one case shows now and not after the
        // next promotion.
        var all = issues
        for canaryIsSecond in [true, false] {
            do throws(SpecFailure) {
                _ = try spec.plan(roles: Roles(canaryIsSecond: canaryIsSecond), identity: "")
            } catch { all += error.issues }
        }
        guard all.isEmpty else { throw SpecFailure(all) }
        return spec
    }

    /// Only the router of a rollout's file, whatever is wrong with the rest: for `rescue`.
    /// - Throws: ``SpecFailure`` with what is wrong in `traffic`.
    package func traffic(_ source: SpecSource) throws(SpecFailure) -> Traffic {
        let context = SpecContext(file: source.file, environment: environment)
        let document = try SpecDocument.parse(source, overrides: overrides, context: context)
        guard case .mapping(let mapping) = document.spec.node, let node = mapping[Node("traffic")] else {
            document.spec.fail("`traffic` is missing")
            throw SpecFailure(context.issues)
        }
        let workload = document.spec.descendant("workload")
        if ClusterReader.isMeant(by: workload) {
            let divides = SpecReader(node: node, path: "spec.traffic", context: context)
            guard let cluster = ClusterReader.place(workload, divides) else { throw SpecFailure(context.issues) }
            return .cluster(cluster)
        }
        guard let traffic = TrafficReader.read(SpecReader(node: node, path: "spec.traffic", context: context)) else {
            throw SpecFailure(context.issues)
        }
        return traffic
    }

    /// Everything that is wrong with a file of any kind, without a router.
    package func lint(_ source: SpecSource) -> [SpecIssue] { review(source).issues }

    /// What is wrong with a file of any kind, and what is worth knowing in a good one.
    package func review(_ source: SpecSource) -> (issues: [SpecIssue], notes: [SpecIssue]) {
        let context = SpecContext(file: source.file, environment: environment)
        do throws(SpecFailure) {
            let document = try SpecDocument.parse(source, overrides: overrides, context: context)
            switch document.kind {
            case .rollout:
                let spec = try rollout(source, revision: "lint")  // It may come from --revision later.
                return (
                    [], SpecFailure(try spec.compiled(roles: Roles(canaryIsSecond: true), identity: "").notes).issues
                )
            case .strategy:
                let strategy = StrategyReader(use: { templateUse($0, from: source.file) }).read(document.spec)
                var (issues, notes): ([SpecIssue], [SpecIssue]) = ([], [])
                for run in strategy.steps.compactMap(\.run) { _ = run.bound(to: placeholderReader.facts, &issues) }
                for use in strategy.steps.flatMap(\.templates) {
                    _ = placeholderReader.metrics(of: use, scope: .step(0), issues: &issues, notes: &notes)
                }
                return (SpecFailure(context.issues + issues).issues, SpecFailure(notes).issues)
            case .analysisTemplate: return lintTemplate(source, context)
            }
        } catch {
            return (error.issues, [])
        }
    }

    /// A reader for files that no rollout stands around: the sides, the revision and the server have some value.
    private var placeholderReader: TemplateReader {
        let facts = [
            "canary.side", "canary.backend", "canary.service", "canary.pods", "stable.side", "stable.backend",
            "stable.service",
            "stable.pods", "revision", "name",
        ]
        return TemplateReader(
            environment: environment, facts: Dictionary(uniqueKeysWithValues: facts.map { ($0, $0) }),
            server: Endpoint(address: "http://localhost"))
    }

    /// Checks a template on its own: an argument without a default gets some value, and the server may come from the
    /// rollout.
    private func lintTemplate(
        _ source: SpecSource, _ context: SpecContext
    ) -> (issues: [SpecIssue], notes: [SpecIssue]) {
        let here = SpecReader(node: Node(""), path: "", context: context)
        var issues: [SpecIssue] = []
        let use = TemplateUse(
            sources: including(source, &issues), inline: nil, arguments: [], reader: here)
        var notes: [SpecIssue] = []
        _ = placeholderReader.metrics(of: use, scope: .always, issues: &issues, notes: &notes)
        // A missing argument is no mistake of the template: whoever uses the template gives it.
        return (SpecFailure(issues).issues, SpecFailure(notes).issues)
    }

    private func read(
        _ document: SpecDocument, _ revision: String?, found: inout [String], others: inout [SpecContext]
    ) -> RolloutSpec? {
        let file = document.spec.context.file
        guard let fields = document.spec.fields(["revision", "workload", "traffic", "strategy", "analysis"]) else {
            return nil
        }
        let written = fields["revision"]?.text()
        let named = revision ?? written
        if let named, named.allSatisfy(\.isWhitespace) {
            (revision == nil ? fields["revision"] ?? document.spec : document.spec).fail(
                "the revision is empty\(revision == nil ? "" : " (--revision)"): a query that selects by it would select "
                    + "everything that has none")
        } else if let named, let bad = named.unicodeScalars.first(where: { !Self.revisionScalars.contains($0) }) {
            // The revision stands in queries, commands and logs, and often comes from a branch's name.
            (revision == nil ? fields["revision"] ?? document.spec : document.spec).fail(
                "the revision `\(named.shortened.printable)`\(revision == nil ? "" : " (--revision)") has "
                    + "`\(String(bad).printable)`; it may have letters, digits and . _ - + : / @ ~")
        } else if named == nil {
            document.spec.fail("`revision` is missing; say it here or with --revision")
        }
        let (runs, divides) = (fields.required("workload"), fields.required("traffic"))
        let isCluster = runs.map(ClusterReader.isMeant) ?? false
        let cluster = isCluster ? runs.flatMap { ClusterReader.read($0, divides) } : nil
        let workload = isCluster ? .external : runs.flatMap(WorkloadUse.read) ?? .external
        let traffic = isCluster ? nil : divides.flatMap(TrafficReader.read)
        let (server, uses, saysNone) = analysis(fields["analysis"], file, &found)
        let strategy = fields.required("strategy").map { readStrategy($0, file, &found, &others) } ?? StrategySteps()
        if cluster?.switchesService == true,
            let share = strategy.steps.first(where: { $0.plan.weight > .zero && $0.plan.weight < .full })
        {
            fields["strategy"]?.fail(
                "a Service switches all or nothing, and the strategy has a step of \(share.plan.weight.text); use blueGreen, or `replicas`"
            )
        }
        if uses.isEmpty, !saysNone, strategy.steps.allSatisfy({ $0.templates.isEmpty }) {
            document.spec.fail("a rollout without a gate is refused; name templates, or say `analysis: none`")
        }
        // Whatever is missing, the templates and their arguments are still checked: all mistakes at once.
        return RolloutSpec(
            name: document.name, revision: named ?? "0",
            traffic: cluster.map { .cluster($0) } ?? traffic ?? TrafficReader.nowhere,
            notes: found,
            root: document.spec, workload: workload, strategy: strategy, uses: uses, server: server,
            environment: environment)
    }

    private static let revisionScalars = Set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+:/@~".unicodeScalars)

    private func analysis(
        _ reader: SpecReader?, _ file: String, _ found: inout [String]
    ) -> (Endpoint?, [TemplateUse], saysNone: Bool) {
        guard let reader else { return (nil, [], false) }
        if reader.node.scalar?.string == "none" { return (nil, [], true) }
        if case .mapping(let mapping) = reader.node, mapping[Node("metrics")] != nil {
            reader.fail("metrics of one's own stand in a template: `templates: [{metrics: [{name: …, provider: …}]}]`")
            return (nil, [], true)
        }
        guard let fields = reader.fields(["prometheus", "templates"]) else { return (nil, [], true) }
        var server: Endpoint?
        if let members = fields["prometheus"]?.fields(EndpointReader.fields) {
            var endpoint = Endpoint(address: "")
            members.owner.context.refusesPlaceholders = true
            EndpointReader.read(members, into: &endpoint)
            members.owner.context.refusesPlaceholders = false
            server = endpoint
        }
        let readers = fields["templates"]?.list() ?? []
        let uses = readers.compactMap { templateUse($0, from: file) }
        found += uses.flatMap(\.sources).map { "template \($0.file)" }
        return (server, uses, uses.count < readers.count)
    }

    private func readStrategy(
        _ reader: SpecReader, _ file: String, _ found: inout [String], _ others: inout [SpecContext]
    ) -> StrategySteps {
        let strategies = StrategyReader(use: { templateUse($0, from: file) })
        guard case .mapping(let mapping) = reader.node, mapping[Node("ref")] != nil else {
            return strategies.read(reader)
        }
        guard let ref = reader.fields(["ref"])?.required("ref"), let name = ref.nonEmptyText() else {
            return StrategySteps()
        }
        guard let source = resolve(.strategy, name, file) else {
            ref.fail("there is no strategy `\(name)`\(Spelling.hint(for: name, in: names(.strategy)))")
            return StrategySteps()
        }
        found.append("strategy \(source.file)")
        let context = SpecContext(file: source.file, environment: environment)
        others.append(context)
        do throws(SpecFailure) {
            let document = try SpecDocument.parse(source, context: context)
            guard document.kind == .strategy else {
                ref.fail("\(source.file) is a \(document.kind.rawValue), not a Strategy")
                return StrategySteps()
            }
            return StrategyReader(use: { templateUse($0, from: source.file) }).read(document.spec)
        } catch {
            return StrategySteps()  // Its issues are in `context`.
        }
    }

    private func templateUse(_ reader: SpecReader, from file: String) -> TemplateUse? {
        guard let fields = reader.fields(["ref", "args", "metrics", "dryRun", "measurementRetention"]),
            let kind = fields.exactlyOne(of: ["ref", "metrics"])
        else { return nil }
        if kind == "metrics" { return TemplateUse(sources: [], inline: reader, arguments: [], reader: reader) }
        guard let name = fields["ref"]?.nonEmptyText() else { return nil }
        guard let source = resolve(.analysisTemplate, name, file) else {
            fields["ref"]?.fail(
                "there is no analysis template `\(name)`\(Spelling.hint(for: name, in: names(.analysisTemplate)))")
            return nil
        }
        let arguments = fields["args"].flatMap { $0.entries() } ?? []
        var issues: [SpecIssue] = []
        let sources = including(source, &issues)
        reader.context.adopt(issues)
        return TemplateUse(
            sources: sources, inline: nil, arguments: arguments, reader: reader, dryRun: fields["dryRun"],
            retention: fields["measurementRetention"])
    }

    private static let mostNested = 64

    /// A template's file and those it takes in (`templates: [{templateName: NAME}]`, as in Argo), each once.
    private func including(_ source: SpecSource, _ issues: inout [SpecIssue]) -> [SpecSource] {
        var found = [source]
        var next = 0
        while next < found.count {
            let context = SpecContext(file: found[next].file, environment: environment)
            for reader in nested(in: found[next], context) {
                guard let name = reader.nonEmptyText() else { continue }
                guard let nested = resolve(.analysisTemplate, name, found[next].file) else {
                    let hint = Spelling.hint(for: name, in: names(.analysisTemplate))
                    reader.fail("there is no analysis template `\(name)`\(hint)")
                    continue
                }
                if found.contains(where: { $0.file == nested.file }) { continue }
                if found.count == Self.mostNested { reader.fail("more than \(Self.mostNested) templates are taken in") }
                if found.count < Self.mostNested { found.append(nested) }
            }
            issues += context.issues
            next += 1
        }
        return found
    }

    /// The names of the templates that a file takes in. What else is wrong with the file is found when it is read.
    private func nested(in source: SpecSource, _ context: SpecContext) -> [SpecReader] {
        let quiet = SpecContext(file: source.file, environment: environment)
        guard let document = try? SpecDocument.parse(source, context: quiet),
            case .mapping(let mapping) = document.spec.node, let node = mapping[Node("templates")]
        else { return [] }
        let reader = SpecReader(node: node, path: "spec.templates", context: context)
        let items = reader.list() ?? []
        if items.isEmpty { reader.fail("a list of {templateName: NAME} is expected, with one name at least") }
        return items.compactMap { $0.fields(["templateName", "clusterScope"])?.required("templateName") }
    }
}
