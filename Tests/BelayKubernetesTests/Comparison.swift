import BelayCore
import BelayPlatform
import Foundation

/// Holds an answer of the double against the recorded one, field by field as `compared-fields.txt` says.
struct Comparison {
    private let fields: [(kind: String?, path: [String])]
    /// What is not compared of single recordings, by their numbers.
    private let exceptions: [Int: [String]]
    /// Recorded names, uids and revisions, and what the double has in their place.
    private(set) var names: [String: String] = [:]

    init() throws {
        let text = try String(contentsOf: Recording.folder.appending(path: "compared-fields.txt"), encoding: .utf8)
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        var exceptions: [Int: [String]] = [:]
        for line in lines where line.hasPrefix("except ") {
            let words = line.split(separator: " ")
            exceptions[Int(words[1].dropLast())!] = words.dropFirst(2).map(String.init)
        }
        self.exceptions = exceptions
        fields = lines.filter { !$0.hasPrefix("except ") }.map { line in
            let parts = line.split(separator: ":")
            let path = parts.last!.split(separator: " ")[0].split(separator: ".").map(String.init)
            return (parts.count > 1 ? String(parts[0]) : nil, path)
        }
    }

    // MARK: What differs by nature

    /// Learns from a pair of answers which of the double's values stands for which recorded one.
    mutating func learn(_ recorded: JSONValue?, _ own: JSONValue?) {
        switch (recorded, own) {
        case (.object(let members)?, .object?):
            for member in members {
                guard let value = own?[member.key] else { continue }
                if ["uid", "resourceVersion", "clusterIP"].contains(member.key), let from = member.value.string,
                    let to = value.string
                {
                    if names[from] == nil { names[from] = to }
                } else if member.key == "name", recorded?["kind"]?.string == "Pod", let from = member.value.string,
                    let to = value.string
                {
                    names[from] = to
                } else if member.key == "name", let base = recorded?["generateName"]?.string, !base.isEmpty,
                    let from = member.value.string, let to = value.string
                {
                    names[from] = to
                } else if member.key == "pod-template-hash", let from = member.value.string, let to = value.string {
                    names[from] = to
                } else {
                    learn(member.value, value)
                }
            }
        case (.array(let items)?, .array(let others)?):
            for (item, other) in zip(ordered(items), ordered(others)) { learn(item, other) }
        default: return
        }
    }

    /// A request in the double's own values.
    func translated(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): .string(translated(text))
        case .array(let items): .array(items.map(translated))
        case .object(let members): .object(members.map { .init($0.key, translated($0.value)) })
        case .null, .bool, .int, .double, .number: value
        }
    }

    func translated(_ text: String) -> String {
        if let known = names[text] { return known }
        guard let query = text.firstRange(of: "resourceVersion=") else { return text }
        let number = text[query.upperBound...].prefix { $0.isNumber }
        // One that was never seen stands for the last one before it.
        let before = names.keys.compactMap { Int($0) }.filter { $0 <= Int(number) ?? 0 && $0 > 90 }.max()
        guard let known = before.flatMap({ names["\($0)"] }) else { return text }
        return text.replacing("resourceVersion=\(number)", with: "resourceVersion=\(known)")
    }

    // MARK: Comparing

    /// What differs, in words.
    func differences(_ recorded: JSONValue?, _ own: JSONValue?, number: Int) -> [String] {
        let all = differences(recorded, own)
        let left = exceptions[number] ?? []
        return all.filter { difference in !left.contains(where: difference.hasPrefix) }
    }

    private func differences(_ recorded: JSONValue?, _ own: JSONValue?) -> [String] {
        guard let recorded, recorded != .null else { return [] }
        if case .string(let text) = recorded {
            return own?.string == text ? [] : ["text: \(own.map(Self.text) ?? "nothing")"]
        }
        if let items = recorded["items"]?.array {
            let others = own?["items"]?.array ?? []
            if items.count != others.count { return ["\(others.count) items in place of \(items.count)"] }
            let kind = recorded["kind"]?.string.map { String($0.dropLast(4)) }
            return zip(ordered(items), ordered(others)).flatMap { differences($0, $1, kind) }
        }
        return differences(recorded, own ?? .null, recorded["kind"]?.string)
    }

    private func differences(_ recorded: JSONValue, _ own: JSONValue, _ kind: String?) -> [String] {
        fields.compactMap { field in
            if let only = field.kind, only != kind { return nil }
            if field.kind == nil, field.path == ["status"], kind != "Status" { return nil }
            let (left, right) = (plain(recorded.find(field.path), field.path), plain(own.find(field.path), field.path))
            if left == right { return nil }
            if field.path.last == "managedFields" { return "managedFields:" + Self.ownersDiffering(left, right) }
            return
                "\(field.path.joined(separator: ".")): \(right.map(Self.text) ?? "nothing") in place of \(left.map(Self.text) ?? "nothing")"
        }
    }

    /// Without what differs by nature, and in an order of its own.
    private func plain(_ value: JSONValue?, _ path: [String]) -> JSONValue? {
        guard let value, value != .null else { return nil }
        switch path.last {
        case "managedFields":
            return .array((value.array ?? []).map { .object(Self.owners($0)) }.sorted { Self.text($0) < Self.text($1) })
        case "conditions":
            return .array(
                (value.array ?? []).map { condition in
                    .members(["type": condition["type"], "status": condition["status"], "reason": condition["reason"]])
                }.sorted { Self.text($0) < Self.text($1) })
        case "resourceVersion": return nil
        default: return cleaned(value)
        }
    }

    private func cleaned(_ value: JSONValue) -> JSONValue? {
        switch value {
        case .null: return nil
        case .string(let text): return .string(Self.isTime(text) ? "TIME" : named(text))
        case .int(let number): return .double(Double(number))
        case .bool, .double, .number: return value
        case .array(let items): return .array(ordered(items).compactMap(cleaned))
        case .object(let members):
            let left = members.compactMap { member -> JSONValue.Member? in
                if Self.byNature.contains(member.key) { return nil }
                return cleaned(member.value).map { .init(member.key, $0) }
            }
            return left.isEmpty ? nil : .object(left.sorted { $0.key < $1.key })
        }
    }

    private func named(_ text: String) -> String {
        if let known = names[text] { return known }
        // The hash of a template is in the names of what was made of it.
        for (from, to) in names where from.count >= 9 && text.contains(from) { return text.replacing(from, with: to) }
        return text
    }

    /// Addresses, times and what a real node adds.
    private static let byNature: Set<String> = [
        "uid", "resourceVersion", "clusterIP", "clusterIPs", "podIP", "podIPs", "ip", "addresses", "addressType",
        "endpoints.kubernetes.io/last-change-trigger-time", "lastTransitionTime", "lastUpdateTime", "volumes",
        "volumeMounts", "tolerations", "serviceAccountName", "serviceAccount", "priority", "enableServiceLinks",
        "preemptionPolicy", "metrics", "currentMetrics",
    ]

    private static func isTime(_ text: String) -> Bool {
        text.count >= 20 && text.hasSuffix("Z") && text.dropFirst(4).first == "-" && text.dropFirst(10).first == "T"
    }

    private static func owners(_ entry: JSONValue) -> [JSONValue.Member] {
        func paths(_ fields: JSONValue, _ prefix: String) -> [String] {
            guard case .object(let members) = fields, !members.isEmpty else { return [prefix] }
            return members.flatMap { paths($0.value, $0.key == "." ? prefix : "\(prefix)/\($0.key)") }
        }
        let all = Set(paths(entry["fieldsV1"] ?? .null, "")).filter { !$0.contains("/f:status") }
        return [
            .init("manager", entry["manager"] ?? .null), .init("operation", entry["operation"] ?? .null),
            .init("subresource", entry["subresource"] ?? .null), .init("fields", .strings(all.sorted())),
        ]
    }

    private static func ownersDiffering(_ left: JSONValue?, _ right: JSONValue?) -> String {
        func all(_ entries: JSONValue?) -> Set<String> {
            Set(
                (entries?.array ?? []).flatMap { entry in
                    (entry["fields"]?.strings ?? []).map { field in
                        "\(entry["manager"]?.string ?? "") \(entry["operation"]?.string ?? "") \(entry["subresource"]?.string ?? "") \(field)"
                    }
                })
        }
        let (recorded, own) = (all(left), all(right))
        return recorded.subtracting(own).sorted().map { "\n    lacks \($0)" }.joined()
            + own.subtracting(recorded).sorted().map { "\n    has \($0)" }.joined()
    }

    private func ordered(_ items: [JSONValue]) -> [JSONValue] {
        func key(_ item: JSONValue) -> String? {
            if let image = Self.image(of: item) {
                let owner = item.find(["metadata", "ownerReferences"])?.array?.first?["name"]?.string ?? ""
                return (names[owner] ?? owner).prefix { $0 != "." } + image
            }
            let name =
                item.find(["metadata", "name"])?.string ?? item.find(["targetRef", "name"])?.string
                ?? item["name"]?.string
            return name.map { names[$0] ?? $0 }
        }
        guard items.allSatisfy({ key($0) != nil }) else { return items }
        return items.sorted { key($0)! < key($1)! }
    }

    /// Pods and ReplicaSets have names that nobody chose; they are known by what they run.
    private static func image(of item: JSONValue) -> String? {
        let spec = item.find(["spec", "template", "spec"]) ?? item["spec"]
        guard item.find(["metadata", "labels", "pod-template-hash"]) != nil else { return nil }
        return spec?["containers"]?.array?.first?["image"]?.string
    }

    private static func text(_ value: JSONValue) -> String { JSONText.write(value) }

    // MARK: Streams

    /// What counts of an event: whether the object is there, and what a client waits for. How many pods are ready on the way
    /// depends on how fast the controllers are; at the end it counts.
    func shape(of event: JSONValue, isLast: Bool = false) -> String {
        let object = event["object"] ?? .null
        let type = event["type"]?.string ?? ""
        if type == "BOOKMARK" { return "BOOKMARK" }
        let kind = object["kind"]?.string
        var parts = [type == "ADDED" ? "MODIFIED" : type, kind ?? ""]
        let waitedFor: Set = ["observedGeneration", "conditions", "phase"]
        for field in fields where field.kind == kind && field.path.first == "status" {
            if !isLast, !waitedFor.contains(field.path.last!) { continue }
            parts.append(plain(object.find(field.path), field.path).map(Self.text) ?? "-")
        }
        if kind == "Status" { parts.append(object["reason"]?.string ?? "") }
        return parts.joined(separator: " ")
    }

    /// The first recorded event that the double did not send in this order; nil where it sent all.
    func missing(_ recorded: [JSONValue], in own: [JSONValue]) -> String? {
        func isMark(_ event: JSONValue) -> Bool { event["type"]?.string == "BOOKMARK" }
        if recorded.contains(where: isMark), !own.contains(where: isMark) { return "BOOKMARK" }
        func shapes(_ events: [JSONValue]) -> [String] {
            events.filter { !isMark($0) }.map { shape(of: $0) }.reduce(into: []) { if $0.last != $1 { $0.append($1) } }
        }
        var rest = shapes(own)[...]
        for wanted in shapes(recorded) {
            guard let index = rest.firstIndex(of: wanted) else { return wanted }
            rest = rest[(index + 1)...]
        }
        let ends = [recorded, own].map { $0.last { !isMark($0) }.map { shape(of: $0, isLast: true) } }
        return ends[0] == ends[1] ? nil : ends[0]
    }
}

extension JSONValue {
    func find(_ path: [String]) -> JSONValue? { path.reduce(Optional(self)) { $0?[$1] } }
}
