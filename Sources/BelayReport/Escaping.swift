internal import BelayCore

/// Text from outside (names of metrics and revisions, a server's words, a person's reason) in each language that a report is written in.
/// Control characters are written out first, so that none of them reaches any of these languages.
extension StringProtocol {
    /// As text or as an attribute's value in XML and HTML.
    package var xml: String {
        var text = ""
        for character in printable.unicodeScalars {
            switch character {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            case "\"": text += "&quot;"
            case "'": text += "&#39;"
            // The rest of what XML 1.0 does not allow. https://www.w3.org/TR/xml/#charsets
            case "\u{FFFE}", "\u{FFFF}": text += "\u{FFFD}"
            default: text.unicodeScalars.append(character)
            }
        }
        return text
    }

    /// As text of GitHub's Markdown, also in a table's cell: no markup, no HTML, no link, no mention of a person.
    package var markdown: String {
        var text = ""
        for character in printable.unicodeScalars {
            switch character {
            case "&": text += "&amp;"
            case "<": text += "&lt;"
            case ">": text += "&gt;"
            // A zero-width joiner would do for `@`, and nobody could search for it; the entity is no mention either.
            case "@": text += "&#64;"
            case "\\", "`", "*", "_", "{", "}", "[", "]", "(", ")", "#", "+", "-", ".", "!", "|", "~", ":":
                text += "\\"
                text.unicodeScalars.append(character)
            default: text.unicodeScalars.append(character)
            }
        }
        return text
    }

    /// As the message of a workflow command of GitHub Actions.
    /// https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
    package var workflowData: String {
        replacingBytes("%", with: "%25").replacingBytes("\r", with: "%0D").replacingBytes("\n", with: "%0A")
    }

    /// As the value of a property of a workflow command.
    package var workflowProperty: String {
        workflowData.replacingBytes(":", with: "%3A").replacingBytes(",", with: "%2C")
    }

    /// The same with each occurrence replaced, byte by byte: a mark that combines with a character would hide it from a comparison of
    /// characters, and whoever reads the text looks at bytes.
    /// - Parameter pattern: Of ASCII.
    package func replacingBytes(_ pattern: StaticString, with replacement: String) -> String {
        let sought = pattern.withUTF8Buffer(Array.init)
        let bytes = Array(utf8)
        var (result, index): ([UInt8], Int) = ([], 0)
        while index < bytes.count {
            if bytes[index...].starts(with: sought) {
                result += replacement.utf8
                index += sought.count
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
