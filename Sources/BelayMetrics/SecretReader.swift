internal import BelayCore
internal import BelayEngine
internal import BelayPlatform
internal import Foundation

/// Resolves `env:NAME` and `file:PATH` when they are used, so that a rotated token is picked up, and remembers what must
/// never be shown.
struct SecretReader: Sendable {
    let environment: [String: String]
    private let resolved = Locked<Set<String>>([])

    init(environment: [String: String]) { self.environment = environment }

    /// A text as it may be shown and recorded: secrets are replaced by `*****`. Secrets of fewer than four characters
    /// stay, because to replace them would hide half of every sentence.
    func redact(_ text: String) -> String {
        let secrets = resolved.withLock { $0 }.filter { $0.count >= 4 }.sorted { $0.count > $1.count }
        return secrets.reduce(text) { $0.replacing($1, with: "*****") }
    }

    static func isReference(_ text: String) -> Bool { text.hasPrefix("env:") || text.hasPrefix("file:") }

    func read(_ reference: String) throws(SecretFailure) -> String {
        let value: String
        if let name = reference.suffix(after: "env:") {
            guard let found = environment[name] else {
                throw SecretFailure(message: "\(reference): the variable is not set")
            }
            value = found
        } else if let path = reference.suffix(after: "file:") {
            value = String(decoding: try file(path), as: UTF8.self)
        } else {
            throw SecretFailure(message: "a secret's reference begins with env: or file:")
        }
        let trimmed = value.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !trimmed.contains(where: \.isNewline) else {
            throw SecretFailure(message: "\(reference): the secret has several lines")
        }
        remember(trimmed)
        return trimmed
    }

    /// Remembers a secret that must never be shown, also in the forms that JSON, a URL and base64 give it: a server may
    /// send back what it was sent.
    func remember(_ secret: String) {
        guard !secret.isEmpty else { return }
        let json = String(JSONText.write(.string(secret)).dropFirst().dropLast())
        let unreserved = CharacterSet(
            charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
        let url = secret.addingPercentEncoding(withAllowedCharacters: unreserved) ?? secret
        let forms =
            [secret, json, json.replacing("/", with: "\\/"), url, url.replacing("%20", with: "+")] + Self.base64(secret)
        resolved.withLock { $0.formUnion(forms) }
    }

    /// The parts of a secret's base64 form that are the same wherever the secret stands in a longer text. A character
    /// of base64 is six bits, so there are three possible offsets.
    static func base64(_ secret: String) -> [String] {
        (0..<3).flatMap { offset -> [String] in
            let bytes = [UInt8](repeating: 0, count: offset) + secret.utf8
            let encoded = Data(bytes).base64EncodedString()
            let known = encoded.prefix(bytes.count * 8 / 6).dropFirst((offset * 8 + 5) / 6)
            guard known.count >= 6 else { return [] }
            let text = String(known)
            return [text, text.replacing("+", with: "-").replacing("/", with: "_")]
        }
    }

    /// Fills in the secrets, which stand in a text as `{{env:NAME}}` or `{{file:PATH}}`.
    func expand(_ text: String) throws(SecretFailure) -> String {
        var expanded = ""
        var rest = text[...]
        while let open = rest.firstRange(of: "{{"),
            let close = rest[open.upperBound...].firstRange(of: "}}")
        {
            expanded += rest[..<open.lowerBound]
            let reference = rest[open.upperBound..<close.lowerBound].trimmingCharacters(in: .whitespaces)
            expanded += try read(reference)
            rest = rest[close.upperBound...]
        }
        return expanded + rest
    }

    /// Fills in the secrets in every text of a JSON value. What is filled in is then written as JSON writes it.
    func expand(_ json: JSONValue) throws(SecretFailure) -> JSONValue {
        switch json {
        case .string(let text): return .string(try expand(text))
        case .array(let items):
            var expanded: [JSONValue] = []
            for item in items { expanded.append(try expand(item)) }
            return .array(expanded)
        case .object(let members):
            var expanded: [JSONValue.Member] = []
            for member in members { expanded.append(.init(member.key, try expand(member.value))) }
            return .object(expanded)
        case .null, .bool, .int, .double, .number: return json
        }
    }

    func file(_ path: String) throws(SecretFailure) -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw SecretFailure(message: "\(path) cannot be read")
        }
        return Array(data)
    }
}

extension String {
    fileprivate func suffix(after prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }
}
