/// A release on Kubernetes, as a file describes it: the Deployment or the two of them, what is set in them, and the Service that
/// leads to them.
package struct ClusterTarget: TrafficValue {
    /// The Deployments that run the versions.
    package enum Deployments: Hashable, Sendable {
        /// One that exists. `clone`: the new version runs in a Deployment of its own beside it until it is adopted; else the one
        /// itself is changed.
        case one(String, clone: Bool)
        /// Two that exist, one a side.
        case two(Sides)
    }

    /// How the traffic is divided.
    package enum Division: Hashable, Sendable {
        /// All or nothing, by the Service's selector.
        case service(String)
        /// By the numbers of pods behind one Service.
        case replicas(String)
    }

    /// One more value that is set in the Deployment: a path such as `spec.template.metadata.annotations.build`.
    package struct Setting: Hashable, Sendable {
        package var path: String
        package var value: String

        package init(path: String, value: String) { (self.path, self.value) = (path, value) }

        /// The pods' label that is set; nil where it is something else.
        package var label: String? {
            let labels = "spec.template.metadata.labels."
            return path.hasPrefix(labels) ? String(path.dropFirst(labels.count)) : nil
        }
    }

    /// `https://10.0.0.1:6443`, once it is known; a cluster of another address under the same context is refused.
    package var server: String?
    /// What is released, once it is known.
    package var revision: String?
    /// nil: the current one; in a pod its service account.
    package var context: String?
    /// nil: the context's.
    package var namespace: String?
    package var deployments: Deployments
    /// nil: the only one.
    package var container: String?
    /// nil: the container's repository with the revision as its tag.
    package var image: String?
    package var settings: [Setting]
    package var division: Division
    /// Services besides the named one that may lead to the canary's pods as soon as these are ready.
    package var alsoServices: [String] = []
    /// So long the canary's pods stay after the way back, without traffic, for whoever looks for the cause; zero: they go at once.
    package var keepCanary: Duration = .zero
    /// The numbers of pods that the steps state; empty where the canary grows beside stable.
    package var counts: [StatedCounts] = []
    /// The steps state their numbers of pods.
    package var isCounted: Bool { !counts.isEmpty }

    package init(
        context: String?, namespace: String?, deployments: Deployments, container: String?, image: String?,
        settings: [Setting], division: Division
    ) {
        (self.context, self.namespace, self.deployments) = (context, namespace, deployments)
        (self.container, self.image, self.settings, self.division) = (container, image, settings, division)
    }

    private static let longestKeeping: Duration = .seconds(24 * 3600)

    /// The names of the Deployments that have to exist.
    package var names: [String] {
        switch deployments {
        case .one(let name, _): [name]
        case .two(let sides): [sides.first.backend, sides.second.backend]
        }
    }

    /// The Deployment that is made beside the one that exists; nil where none is.
    package var cloneName: String? {
        if case .one(let name, clone: true) = deployments { "\(name)-canary" } else { nil }
    }

    /// What the names of a Deployment's pods look like, as a regular expression that has to fit all of a name: the Deployment's, a hash
    /// without `-`, and five characters, all of them from the letters and digits that the API makes names of. Pods of no other Deployment fit. It
    /// is a group, so that no pattern is a part of another.
    /// https://github.com/kubernetes/apimachinery/blob/master/pkg/util/rand/rand.go
    package static func podPattern(of deployment: String) -> String {
        "(?:\(deployment.replacing(".", with: #"\\."#))-[\(nameLetters)]{1,10}-[\(nameLetters)]{5})"
    }

    /// The API makes names of these.
    package static let nameLetters = "bcdfghjklmnpqrstvwxz2456789"

    /// A Service of Belay's own that leads to the canary's pods alone, whatever their share.
    package var canaryService: String { "\(service)-canary" }

    /// Stable's own Deployment gets the new version at the end, and the traffic comes back to it; else the two have changed their roles.
    package var comesHome: Bool { cloneName != nil || !switchesService }

    /// The Service's selector is changed.
    package var switchesService: Bool { if case .service = division { true } else { false } }

    package var service: String {
        switch division {
        case .service(let name), .replicas(let name): name
        }
    }

    /// What is found wrong without a look at the cluster; the paths begin with `workload.kubernetes` or `traffic`.
    package var mistakes: [TargetMistake] {
        let work = "workload.kubernetes"
        var found: [TargetMistake] = []
        func check(_ name: String, at path: String, isLabel: Bool = false) {
            if let why = Self.objection(to: name, isLabel: isLabel) { found.append(.init(path, why)) }
        }
        if let container { check(container, at: "\(work).container", isLabel: true) }
        switch deployments {
        case .one(let name, let isClone):
            check(name, at: "\(work).deployment")
            if isClone, Self.objection(to: name) == nil, name.utf8.count > 244 {
                found.append(.init("\(work).deployment", "`\(name)-canary` would be too long a name"))
            }
        case .two(let sides):
            for side in [sides.first, sides.second] { check(side.backend, at: "\(work).deployments.\(side.name)") }
            if sides.first.backend == sides.second.backend {
                found.append(.init("\(work).deployments", "both sides are `\(sides.first.backend)`"))
            }
        }
        if let namespace { check(namespace, at: "\(work).namespace", isLabel: true) }
        if keepCanary > .zero, !switchesService {
            found.append(
                .init(
                    "\(work).keepCanary",
                    "with `replicas` pods without traffic cannot be: each ready pod gets its share; `keepCanary` goes with `service`"
                ))
        } else if keepCanary < .zero || keepCanary > Self.longestKeeping {
            found.append(.init("\(work).keepCanary", "at most 24h: the run stays as long"))
        }
        switch division {
        case .service(let name): check(name, at: "traffic.service.name", isLabel: true)
        case .replicas(let name): check(name, at: "traffic.replicas.service", isLabel: true)
        }
        for name in alsoServices {
            check(
                name, at: switchesService ? "traffic.service.alsoServices" : "traffic.replicas.alsoServices",
                isLabel: true)
        }
        for setting in settings
        where !setting.path.hasPrefix("spec.template.") || setting.path.hasSuffix(".") || setting.path.contains("..") {
            found.append(
                .init(
                    "\(work).set",
                    "`\(setting.path.shortened)` is no place in the pod's template; paths begin with `spec.template.`"))
        }
        return found
    }

    /// RFC 1123, as the API has it for names; an empty one is missing, which is told elsewhere.
    /// - Parameter isLabel: Without dots and at most 63 characters, as of Services, namespaces and containers.
    private static func objection(to name: String, isLabel: Bool = false) -> String? {
        if name.isEmpty { return nil }
        if isLabel, name.contains(".") || name.utf8.count > 63 {
            return "`\(name.shortened)` is no name for this: at most 63 lowercase letters, digits and `-`"
        }
        if name.contains("..") || name.contains(".-") || name.contains("-.") {
            return
                "`\(name.shortened)` is no name in Kubernetes: a part between dots is empty or begins or ends with `-`"
        }
        let isPlain = name.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
        }
        let isGood = isPlain && name.utf8.count <= 253 && !"-.".contains(name.first!) && !"-.".contains(name.last!)
        return isGood ? nil : "`\(name.shortened)` is no name in Kubernetes: lowercase letters, digits, `-` and `.`"
    }
}

extension ClusterTarget {
    /// With one Deployment the sides are its own pods and the clone's.
    package var sides: Sides {
        switch deployments {
        case .one(let name, _):
            Sides(
                first: Side(name: "stable", backend: name), second: Side(name: "canary", backend: cloneName ?? name))
        case .two(let sides): sides
        }
    }

    package var instances: [String] { [words] }
    package var words: String { "Service \(service)\(namespace.map { " in \($0)" } ?? "")" }

    /// Names the Deployment in its cluster; whoever asks, and from where, says nothing of it.
    package func identity(on host: String) -> String {
        "cluster:\(server ?? context ?? ""):\(namespace ?? ""):\(names.sorted().joined(separator: "+"))"
    }

    /// What holds what a release writes down at the target: a Lease and a ConfigMap.
    package var ownerName: String { "belay-\(names.sorted()[0])" }

    package var json: JSONValue {
        var (deployment, clone, first, second): (JSONValue?, JSONValue?, JSONValue?, JSONValue?)
        switch deployments {
        case .one(let name, let isClone): (deployment, clone) = (.string(name), .bool(isClone))
        case .two(let sides): (first, second) = (sides.first.json, sides.second.json)
        }
        let set = settings.map { JSONValue.members(["path": .string($0.path), "value": .string($0.value)]) }
        return .members([
            "server": server.map { .string($0) }, "revision": revision.map { .string($0) },
            "context": context.map { .string($0) }, "namespace": namespace.map { .string($0) },
            "deployment": deployment, "clone": clone, "first": first, "second": second,
            "container": container.map { .string($0) }, "image": image.map { .string($0) },
            "set": set.isEmpty ? nil : .array(set), "division": .string(switchesService ? "service" : "replicas"),
            "service": .string(service), "alsoServices": alsoServices.isEmpty ? nil : .strings(alsoServices),
            "keepCanary": keepCanary == .zero ? nil : .duration(keepCanary),
            "counts": counts.isEmpty
                ? nil
                : .array(
                    counts.map {
                        .members(["asked": .weight($0.asked), "stable": .count($0.stable), "canary": .count($0.canary)])
                    }),
        ])
    }

    package init(json: JSONValue) throws(Unreadable) {
        let service = try need(json["service"]?.string)
        let deployments: Deployments
        if let name = json["deployment"]?.string {
            deployments = .one(name, clone: try need(json["clone"]?.bool))
        } else {
            deployments = .two(Sides(first: try Side(json: json["first"]), second: try Side(json: json["second"])))
        }
        var settings: [Setting] = []
        for item in json["set"]?.array ?? [] {
            settings.append(Setting(path: try need(item["path"]?.string), value: try need(item["value"]?.string)))
        }
        self.init(
            context: json["context"]?.string, namespace: json["namespace"]?.string, deployments: deployments,
            container: json["container"]?.string, image: json["image"]?.string, settings: settings,
            division: json["division"]?.string == "replicas" ? .replicas(service) : .service(service))
        (server, revision) = (json["server"]?.string, json["revision"]?.string)
        alsoServices = json["alsoServices"]?.strings ?? []
        keepCanary = json["keepCanary"]?.duration ?? .zero
        for item in json["counts"]?.array ?? [] {
            counts.append(
                StatedCounts(
                    asked: try need(item["asked"]?.weight), stable: try need(item["stable"]?.count),
                    canary: try need(item["canary"]?.count)))
        }
    }
}
