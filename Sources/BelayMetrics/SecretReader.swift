internal import Foundation

/// A secret that could not be resolved; the message names the reference, never the value.
struct SecretFailure: Error {
    let message: String
}

/// Resolves `env:NAME` and `file:PATH` when they are used, so that a rotated token is picked up.
struct SecretReader {
    let environment: [String: String]

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
        return trimmed
    }

    /// A text in which secrets stand as `{{env:NAME}}` or `{{file:PATH}}`.
    func expand(_ text: String) throws(SecretFailure) -> String {
        var expanded = ""
        var rest = text[...]
        while let open = rest.firstRange(of: "{{") {
            expanded += rest[..<open.lowerBound]
            guard let close = rest[open.upperBound...].firstRange(of: "}}") else { break }
            expanded += try read(String(rest[open.upperBound..<close.lowerBound]))
            rest = rest[close.upperBound...]
        }
        return expanded + rest
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
