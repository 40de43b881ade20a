internal import BelayCore
internal import Yams

/// Reads `workload.kubernetes` with the `traffic` that goes with it.
enum ClusterReader {
    static let key = "kubernetes"
    private static let keys = [
        "context", "namespace", "deployment", "deployments", "mode", "container", "image", "set", "keepCanary",
    ]

    /// Whether a file's workload is one of these.
    static func isMeant(by workload: SpecReader) -> Bool {
        guard case .mapping(let mapping) = workload.node else { return false }
        return mapping.contains { pair in pair.key.string == key }
    }

    /// Only where the traffic is divided, whatever is wrong with the rest: for `rescue`. An image, or a variable that is not set here, says
    /// nothing of that.
    static func place(_ workload: SpecReader, _ traffic: SpecReader) -> ClusterTarget? {
        guard let member = workload.fields([key])?[key],
            let fields = member.fields(keys), let deployments = deployments(member, fields),
            let division = division(traffic)
        else { return nil }
        let paths = fields["set"]?.entries()?.map { ClusterTarget.Setting(path: $0.0, value: "") } ?? []
        return ClusterTarget(
            context: fields["context"]?.nonEmptyText(), namespace: fields["namespace"]?.nonEmptyText(),
            deployments: deployments, container: fields["container"]?.nonEmptyText(), image: nil, settings: paths,
            division: division)
    }

    /// - Returns: nil where something of it cannot be read; every mistake has been told.
    static func read(_ workload: SpecReader, _ traffic: SpecReader?) -> ClusterTarget? {
        guard let outer = workload.fields([key]), let member = outer[key] else { return nil }
        let fields = member.fields(keys)
        let division = traffic.flatMap(division)
        guard let fields else { return nil }
        let deployments = deployments(member, fields)
        let settings = settings(fields["set"])
        let texts = ["context", "namespace", "container", "image"].map { key in
            (key, fields[key].map { $0.nonEmptyText() })
        }
        let isWhole = texts.allSatisfy { $0.1.map { $0 != nil } ?? true } && settings != nil
        let values = Dictionary(uniqueKeysWithValues: texts.map { ($0.0, $0.1 ?? nil) })
        var target = ClusterTarget(
            context: values["context"] ?? nil, namespace: values["namespace"] ?? nil,
            deployments: deployments ?? .one("", clone: false), container: values["container"] ?? nil,
            image: values["image"] ?? nil, settings: settings ?? [], division: division ?? .service(""))
        let others = traffic.flatMap(alsoServices)
        target.alsoServices = others ?? []
        let kept = fields["keepCanary"].map { $0.duration() } ?? .zero
        target.keepCanary = kept ?? .zero
        for mistake in target.mistakes {
            let parts = mistake.path.split(separator: ".", maxSplits: 1)
            let place = parts[0] == "traffic" ? traffic : workload
            place?.descendant(String(parts[1])).fail(mistake.message)
        }
        return isWhole && deployments != nil && division != nil && others != nil && kept != nil
            && target.mistakes.isEmpty ? target : nil
    }

    private static func deployments(_ member: SpecReader, _ fields: SpecFields) -> ClusterTarget.Deployments? {
        guard let key = fields.exactlyOne(of: ["deployment", "deployments"]), let value = fields[key] else {
            return nil
        }
        if key == "deployments" {
            if let mode = fields["mode"] { mode.fail("with two Deployments there is no mode: each has its own") }
            return TrafficReader.sides(value).map { .two($0) }
        }
        let mode = fields["mode"].map { $0.choice(Mode.self) } ?? .clone
        guard let name = value.nonEmptyText(), let mode else { return nil }
        return .one(name, clone: mode == .clone)
    }

    private enum Mode: String, CaseIterable { case clone, inPlace }

    private static func settings(_ reader: SpecReader?) -> [ClusterTarget.Setting]? {
        guard let reader else { return [] }
        guard let entries = reader.entries() else { return nil }
        let settings = entries.compactMap { path, value in
            value.text().map { ClusterTarget.Setting(path: path, value: $0) }
        }
        return settings.count == entries.count ? settings : nil
    }

    private static func division(_ reader: SpecReader) -> ClusterTarget.Division? {
        let later = ["istio", "gatewayAPI", "ingressNginx"]
        guard let fields = reader.fields(["service", "replicas"], later: later),
            let key = fields.exactlyOne(of: ["service", "replicas"]), let member = fields[key]
        else { return nil }
        if key == "service" {
            return member.fields(["name", also])?.required("name")?.nonEmptyText().map { .service($0) }
        }
        return member.fields(["service", also])?.required("service")?.nonEmptyText().map { .replicas($0) }
    }

    private static let also = "alsoServices"

    /// - Returns: nil where it cannot be read; that has been told.
    private static func alsoServices(_ traffic: SpecReader) -> [String]? {
        let members = (traffic.entries() ?? []).flatMap { $0.value.entries() ?? [] }
        guard let list = members.first(where: { $0.key == also })?.value else { return [] }
        guard let items = list.list() else { return nil }
        let names = items.compactMap { $0.nonEmptyText() }
        return names.count == items.count ? names : nil
    }
}
