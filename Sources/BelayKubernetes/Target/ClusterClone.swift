internal import BelayCore

/// Makes the Deployment and the Service of the canary from what is there. Pure.
struct ClusterClone {
    let target: ClusterTarget
    let facts: ClusterFacts

    /// Names and values of labels have at most 63 characters; a longer one is cut and ends in a hash of the whole.
    static func cut(_ text: String) -> String {
        if text.utf8.count <= 63 { return text }
        let hash = text.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        var head = String(text.prefix(54))
        while let last = head.last, !last.isLetter, !last.isNumber { head.removeLast() }
        return head + "-" + String(String(hash, radix: 16).suffix(8))
    }

    /// By these others would claim or remove what they have not made: Argo CD, Flux, Helm, kubectl.
    static func isClaim(_ key: String) -> Bool {
        [
            "app.kubernetes.io/managed-by", "app.kubernetes.io/instance", "helm.sh/chart", "heritage", "release",
        ].contains(key)
            || [
                "argocd.argoproj.io/", "kustomize.toolkit.fluxcd.io/", "helm.toolkit.fluxcd.io/", "meta.helm.sh/",
                "applyset.kubernetes.io/",
            ]
            .contains { key.hasPrefix($0) }
    }

    /// The image that is released.
    /// - Parameter present: The container's own, whose repository counts where the file names no image.
    func image(after present: String) -> String { target.image ?? Self.image(present, target.revision ?? "") }

    static func image(_ present: String, _ revision: String) -> String {
        if revision.contains("/") || revision.contains("@") { return revision }
        var repository = present.split(separator: "@", maxSplits: 1).first.map(String.init) ?? present
        let slash = repository.lastIndex(of: "/") ?? repository.startIndex
        if let colon = repository[slash...].lastIndex(of: ":") { repository = String(repository[..<colon]) }
        return "\(repository):\(revision)"
    }

    /// The Deployment of the new version.
    /// - Parameter stable: As the server has it now.
    /// - Parameter replicas: nil: as many as stable has.
    func deployment(from stable: JSONValue, replicas: Int64?, marks: [String: String]) -> JSONValue {
        let labels = (stable["metadata"]?["labels"]?.texts ?? [:]).filter { !Self.isClaim($0.key) }
        let own = [facts.label: facts.values[1]]
        var spec = stable["spec"] ?? .object([])
        let selector = spec["selector"]?["matchLabels"]?.texts ?? [:]
        let podLabels = spec["template"]?["metadata"]?["labels"]?.texts ?? [:]
        spec = spec.setting(at: ["selector", "matchLabels"], .map(selector.merging(own) { $1 }))
        spec = spec.setting(at: ["template", "metadata", "labels"], .map(podLabels.merging(own) { $1 }))
        spec = spec.setting(at: ["template", "metadata", "creationTimestamp"], nil)
        spec = changed(spec, stable: stable).setting("paused", nil)
        if let replicas { spec = spec.setting("replicas", .int(replicas)) }
        return .members([
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": .members([
                "name": .string(facts.deployments[1].name), "namespace": stable["metadata"]?["namespace"],
                "labels": .map(labels.merging(own) { $1 }), "annotations": .map(marks),
            ]),
            "spec": spec,
        ])
    }

    /// A Deployment's spec with the new image and what the file sets.
    private func changed(_ spec: JSONValue, stable: JSONValue) -> JSONValue {
        let index = facts.deployments[0].containerIndex
        let path = ["template", "spec", "containers", "\(index)", "image"]
        let present = spec.value(at: path)?.string ?? ""
        var spec = spec.setting(at: path, .string(image(after: present)))
        for setting in target.settings {
            spec = spec.setting(at: setting.steps.dropFirst(), .string(setting.value))
        }
        return spec
    }

    /// A Service that leads to the canary's pods alone.
    func service(from service: JSONValue, marks: [String: String]) -> JSONValue {
        let ports = (service["spec"]?["ports"]?.array ?? []).map { $0.setting("nodePort", nil) }
        let isHeadless = service["spec"]?["clusterIP"]?.string == "None"
        return .members([
            "apiVersion": "v1", "kind": "Service",
            "metadata": .members([
                "name": .string(target.canaryService), "namespace": service["metadata"]?["namespace"],
                "labels": .map([facts.label: facts.values[1]]), "annotations": .map(marks),
            ]),
            "spec": .members([
                "selector": .map(facts.selector(ofSide: 1)), "ports": .array(ports),
                "clusterIP": isHeadless ? "None" : nil,
            ]),
        ])
    }

    // MARK: Changes of what is there

    /// One operation of a JSON patch. https://www.rfc-editor.org/rfc/rfc6902
    static func operation(_ name: String, _ path: [String], _ value: JSONValue? = nil) -> JSONValue {
        let pointer = path.map { "/" + $0.replacing("~", with: "~0").replacing("/", with: "~1") }.joined()
        return .members(["op": .string(name), "path": .string(pointer), "value": value])
    }

    /// The operations that bring a Deployment's template to other values: image and `set` alone.
    /// - Parameters:
    ///   - side: Of the facts.
    ///   - settings: In the order of the file's; null takes a value away.
    func operations(on deployment: JSONValue, side: Int, image: String, settings: [JSONValue]) -> [JSONValue] {
        let own = facts.deployments[side]
        let container = ["spec", "template", "spec", "containers", "\(own.containerIndex)"]
        var list = [
            Self.operation("test", container + ["name"], .string(own.container)),
            Self.operation("replace", container + ["image"], .string(image)),
        ]
        var present = deployment
        for (setting, value) in zip(target.settings, settings) {
            let steps = setting.steps
            if value == .null {
                if present.value(at: steps) != nil { list.append(Self.operation("remove", steps)) }
                continue
            }
            // Objects that are missing on the way are made first.
            for depth in 1..<steps.count where present.value(at: Array(steps.prefix(depth))) == nil {
                list.append(Self.operation("add", Array(steps.prefix(depth)), .object([])))
            }
            list.append(Self.operation("add", steps, value))
            present = present.setting(at: steps, value)
        }
        return list
    }

    /// Whether a side's template, a Deployment's or a ReplicaSet's, is the one that is released.
    func isNew(_ object: JSONValue, side: Int) -> Bool {
        has(object, side: side, image: image(after: facts.deployments[side].image), settings: newSettings)
    }

    /// Whether it is the one that was there before the release.
    func isOld(_ object: JSONValue, side: Int) -> Bool {
        let own = facts.deployments[side]
        return has(object, side: side, image: own.image, settings: own.settings)
    }

    private func has(_ deployment: JSONValue, side: Int, image: String, settings: [JSONValue]) -> Bool {
        let own = facts.deployments[side]
        let path = ["spec", "template", "spec", "containers", "\(own.containerIndex)", "image"]
        return deployment.value(at: path)?.string == image
            && zip(target.settings, settings).allSatisfy {
                (deployment.value(at: $0.steps) ?? .null) == $1
            }
    }

    var newSettings: [JSONValue] { target.settings.map { .string($0.value) } }
}

extension ClusterTarget.Setting {
    /// The path's steps. Keys of labels and annotations may have dots: all that follows is one key.
    var steps: [String] {
        for stem in ["spec.template.metadata.annotations.", "spec.template.metadata.labels."] where path.hasPrefix(stem)
        {
            return stem.split(separator: ".").map(String.init) + [String(path.dropFirst(stem.count))]
        }
        return path.split(separator: ".").map(String.init)
    }
}
