internal import BelayCore
internal import BelayPlatform

/// What a server refuses beside unknown and mistyped members.
enum Validation {
    /// - Parameter old: nil: the object is new.
    static func check(_ object: JSONValue, _ old: JSONValue?, _ type: ResourceType) throws(APIError) {
        var causes: [APIError.Cause] = []
        let name = object.text("metadata", "name") ?? ""
        if old == nil, !isName(name) {
            causes.append(
                invalid(
                    "metadata.name", "\"\(name)\"",
                    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'"))
        }
        for rule in type.rules { causes += rule.causes(in: object) }
        switch type.kind {
        case "Deployment", "ReplicaSet": causes += workload(object, old)
        case "ConfigMap": causes += configMap(object, old)
        case "Service": causes += service(object)
        default: break
        }
        if !causes.isEmpty { throw .invalid(type, name, causes) }
    }

    private static func invalid(_ field: String, _ value: String, _ words: String) -> APIError.Cause {
        .init(reason: "FieldValueInvalid", message: "Invalid value: \(value): \(words)", field: field)
    }

    private static func required(_ field: String, _ words: String = "") -> APIError.Cause {
        .init(reason: "FieldValueRequired", message: "Required value\(words.isEmpty ? "" : ": \(words)")", field: field)
    }

    private static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.count <= 253 && name.first != "-" && name.last != "-"
            && name.utf8.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
                    || byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":")
            }
    }

    private static func workload(_ object: JSONValue, _ old: JSONValue?) -> [APIError.Cause] {
        var causes: [APIError.Cause] = []
        if let replicas = object.at("spec", "replicas")?.int, replicas < 0 {
            causes.append(invalid("spec.replicas", "\(replicas)", "must be greater than or equal to 0"))
        }
        let selector = object.at("spec", "selector", "matchLabels")
        if selector == nil { causes.append(required("spec.selector")) }
        let labels = object.at("spec", "template", "metadata", "labels") ?? .empty
        let probe = JSONValue.members(["metadata": .members(["labels": labels])])
        if selector != nil, !Selector(matching: selector).matches(probe) {
            causes.append(
                invalid(
                    "spec.template.metadata.labels", JSONText.write(labels),
                    "`selector` does not match template `labels`"))
        }
        if let old, let before = old.at("spec", "selector"), let now = object.at("spec", "selector"),
            !before.isSame(as: now)
        {
            causes.append(invalid("spec.selector", JSONText.write(now), "field is immutable"))
        }
        let containers = object.at("spec", "template", "spec", "containers")?.array ?? []
        if containers.isEmpty { causes.append(required("spec.template.spec.containers")) }
        for (index, container) in containers.enumerated() {
            let place = "spec.template.spec.containers[\(index)]"
            if (container["name"]?.string ?? "").isEmpty { causes.append(required("\(place).name")) }
            if (container["image"]?.string ?? "").isEmpty { causes.append(required("\(place).image")) }
        }
        return causes
    }

    private static func configMap(_ object: JSONValue, _ old: JSONValue?) -> [APIError.Cause] {
        let size = (object["data"]?.stringMap ?? [:]).reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        if size > 1_048_576 {
            return [
                .init(
                    reason: "FieldValueTooLong", message: "Too long: may not be more than 1048576 bytes", field: "[]")
            ]
        }
        guard let old, old["immutable"]?.bool == true else { return [] }
        if (old["data"] ?? .empty).isSame(as: object["data"] ?? .empty) { return [] }
        return [
            .init(
                reason: "FieldValueForbidden", message: "Forbidden: field is immutable when `immutable` is set",
                field: "data")
        ]
    }

    private static func service(_ object: JSONValue) -> [APIError.Cause] {
        var causes: [APIError.Cause] = []
        if object.text("spec", "type") == "ExternalName" { return [] }
        let ports = object.at("spec", "ports")?.array ?? []
        if ports.isEmpty, object.text("spec", "clusterIP") != "None" { causes.append(required("spec.ports")) }
        for (index, port) in ports.enumerated() {
            let number = port["port"]?.int ?? 0
            if !(1...65_535).contains(number) {
                causes.append(
                    invalid("spec.ports[\(index)].port", "\(number)", "must be between 1 and 65535, inclusive"))
            }
        }
        return causes
    }
}
