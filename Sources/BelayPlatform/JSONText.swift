package import BelayCore

/// JSON text to values and back (RFC 8259). Belay has its own parser, because recovery reads ten thousand events within
/// 100 ms and Foundation's boxes every number; the tests compare the two.
package enum JSONText {
    /// Text that is no JSON; the message says where.
    package struct Failure: Error, Hashable, Sendable {
        package let message: String
        /// Bytes from the beginning, from 0.
        package let offset: Int

        /// - Parameter offset: Bytes from the beginning, from 0.
        package init(message: String, offset: Int) { (self.message, self.offset) = (message, offset) }
    }

    /// Deeper texts are refused, so that none exhausts the stack.
    package static let depthLimit = 64

    /// - Throws: ``Failure`` where the text is not one JSON value and white space.
    package static func parse(_ text: some Collection<UInt8>) throws(Failure) -> JSONValue {
        if let value = text.withContiguousStorageIfAvailable({ bytes in
            Result { () throws(Failure) in try document(bytes) }
        }) {
            return try value.get()
        }
        return try Array(text).withUnsafeBufferPointer { bytes throws(Failure) in try document(bytes) }
    }

    private static func document(_ bytes: UnsafeBufferPointer<UInt8>) throws(Failure) -> JSONValue {
        var parser = JSONParser(bytes: bytes)
        return try parser.document()
    }

    /// Reads one value. Throws ``Failure`` where there is something else, or more than one.
    package static func parse(_ text: String) throws(Failure) -> JSONValue { try parse(text.utf8) }

    /// One line, members in their order. What JSON cannot say (NaN, ±Inf) becomes a string.
    package static func write(_ value: JSONValue) -> String {
        var text = ""
        append(value, to: &text)
        return text
    }

    private static func append(_ value: JSONValue, to text: inout String) {
        switch value {
        case .null: text += "null"
        case .bool(let bool): text += bool ? "true" : "false"
        case .int(let int): text += "\(int)"
        case .double(let double) where double.isNaN: text += "\"NaN\""
        case .double(let double) where double.isInfinite: text += double < 0 ? "\"-Inf\"" : "\"+Inf\""
        case .double(let double): text += "\(double)"
        case .number(let number): text += number
        case .string(let string): append(string, to: &text)
        case .array(let items):
            text += "["
            for (index, item) in items.enumerated() {
                if index > 0 { text += "," }
                append(item, to: &text)
            }
            text += "]"
        case .object(let members):
            text += "{"
            for (index, member) in members.enumerated() {
                if index > 0 { text += "," }
                append(member.key, to: &text)
                text += ":"
                append(member.value, to: &text)
            }
            text += "}"
        }
    }

    private static func append(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case "\u{0}"..."\u{1F}", "\u{7F}":
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}

private struct JSONParser {
    /// Read in place: a page of a cluster's pods has megabytes, and a check of each access costs a third of the time.
    let bytes: UnsafeBufferPointer<UInt8>
    var at = 0
    var depth = 0
    /// Keys that were read already, by a number made of their bytes: objects of one kind repeat them, and a string made
    /// anew costs an allocation each. Empty where the text is short, because the table costs more than it saves there.
    private var keys: [String] = []

    init(bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
        if bytes.count > 1 << 14 { keys = [String](repeating: "", count: 256) }
    }

    mutating func document() throws(JSONText.Failure) -> JSONValue {
        let value = try value()
        skipSpace()
        guard at == bytes.count else { throw failure("text after the value") }
        return value
    }

    private func failure(_ message: String) -> JSONText.Failure { .init(message: message, offset: at) }
    private var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
    }

    private mutating func value() throws(JSONText.Failure) -> JSONValue {
        skipSpace()
        switch peek {
        case UInt8(ascii: "{"): return try nested { parser throws(JSONText.Failure) in try parser.object() }
        case UInt8(ascii: "["): return try nested { parser throws(JSONText.Failure) in try parser.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case nil: throw failure("the text ends too early")
        default: return try number()
        }
    }

    private mutating func nested(
        _ body: (inout JSONParser) throws(JSONText.Failure) -> JSONValue
    ) throws(JSONText.Failure) -> JSONValue {
        depth += 1
        defer { depth -= 1 }
        guard depth <= JSONText.depthLimit else { throw failure("nested deeper than \(JSONText.depthLimit) levels") }
        at += 1
        return try body(&self)
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(JSONText.Failure) -> JSONValue {
        let end = at + word.utf8CodeUnitCount
        let isThere = end <= bytes.count && word.withUTF8Buffer { $0.elementsEqual(bytes[at..<end]) }
        guard isThere else { throw failure("`\(word)` is expected") }
        at = end
        return value
    }

    private mutating func object() throws(JSONText.Failure) -> JSONValue {
        skipSpace()
        if peek == UInt8(ascii: "}") {
            at += 1
            return .object([])
        }
        var members: [JSONValue.Member] = []
        members.reserveCapacity(4)
        while true {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw failure("a key is expected") }
            let key = try key()
            skipSpace()
            guard peek == UInt8(ascii: ":") else { throw failure("`:` is expected") }
            at += 1
            members.append(.init(key, try value()))
            if try endsList(with: UInt8(ascii: "}")) { return .object(members) }
        }
    }

    private mutating func array() throws(JSONText.Failure) -> JSONValue {
        var items: [JSONValue] = []
        skipSpace()
        if peek == UInt8(ascii: "]") {
            at += 1
            return .array([])
        }
        while true {
            items.append(try value())
            if try endsList(with: UInt8(ascii: "]")) { return .array(items) }
        }
    }

    private mutating func endsList(with end: UInt8) throws(JSONText.Failure) -> Bool {
        skipSpace()
        guard let byte = peek, byte == end || byte == UInt8(ascii: ",") else {
            throw failure("`,` or the end is expected")
        }
        at += 1
        return byte == end
    }

    private mutating func number() throws(JSONText.Failure) -> JSONValue {
        let start = at
        var isWhole = true
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): break
            case UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): isWhole = false
            default:
                return try number(bytes[start..<at], isWhole: isWhole)
            }
            at += 1
        }
        return try number(bytes[start..<at], isWhole: isWhole)
    }

    private func number(_ digits: Slice<UnsafeBufferPointer<UInt8>>, isWhole: Bool) throws(JSONText.Failure)
        -> JSONValue
    {
        let text = String(decoding: digits, as: UTF8.self)
        let unsigned = text.hasPrefix("-") ? text.dropFirst() : text[...]
        guard let first = unsigned.first, first.isNumber,
            !(unsigned.count > 1 && first == "0" && unsigned.dropFirst().first!.isNumber)
        else { throw failure("a value is expected") }
        if isWhole, let int = Int64(text) { return .int(int) }
        guard let double = Double(text), !text.hasSuffix(".") else {
            throw failure("`\(text.prefix(40))` is not a number")
        }
        if isWhole || digits.count(where: { (48...57).contains($0) }) > 17 { return .number(text) }
        return .double(double)
    }

    /// A member's name.
    private mutating func key() throws(JSONText.Failure) -> String {
        let start = at + 1
        var (end, hash) = (start, 0)
        while end < bytes.count, bytes[end] != UInt8(ascii: "\""), bytes[end] != UInt8(ascii: "\\"), bytes[end] >= 0x20
        {
            hash = hash &* 31 &+ Int(bytes[end])
            end += 1
        }
        // Up to fifteen bytes are kept within the string itself.
        guard end < bytes.count, bytes[end] == UInt8(ascii: "\""), end - start > 15, !keys.isEmpty else {
            return try string()
        }
        let slot = hash & 255
        let written = UnsafeBufferPointer(rebasing: bytes[start..<end])
        let isKnown = keys[slot].utf8.withContiguousStorageIfAvailable {
            $0.elementsEqual(written)
        }
        if isKnown != true { keys[slot] = String(decoding: written, as: UTF8.self) }
        at = end + 1
        return keys[slot]
    }

    private mutating func string() throws(JSONText.Failure) -> String {
        at += 1
        let start = at
        while let byte = peek, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { at += 1 }
        // Nothing has to be unescaped, as in most strings.
        if peek == UInt8(ascii: "\"") {
            at += 1
            return String(decoding: UnsafeBufferPointer(rebasing: bytes[start..<at - 1]), as: UTF8.self)
        }
        var text = Array(bytes[start..<at])
        while let byte = peek {
            at += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): text += try escaped()
            case 0..<0x20: throw failure("a control character in a string")
            default: text.append(byte)
            }
        }
        throw failure("the string does not end")
    }

    private mutating func escaped() throws(JSONText.Failure) -> [UInt8] {
        guard let byte = peek else { throw failure("the string does not end") }
        at += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [8]
        case UInt8(ascii: "f"): return [12]
        case UInt8(ascii: "n"): return [10]
        case UInt8(ascii: "r"): return [13]
        case UInt8(ascii: "t"): return [9]
        case UInt8(ascii: "u"): return Array(String(Character(try unicode())).utf8)
        default: throw failure("an unknown escape")
        }
    }

    /// One code point; two escapes where it takes a surrogate pair. A lone surrogate becomes U+FFFD.
    private mutating func unicode() throws(JSONText.Failure) -> Unicode.Scalar {
        let first = try hex4()
        if let scalar = Unicode.Scalar(first) { return scalar }
        guard first < 0xDC00, at + 1 < bytes.count, bytes[at] == UInt8(ascii: "\\"), bytes[at + 1] == UInt8(ascii: "u")
        else { return "\u{FFFD}" }
        at += 2
        let second = try hex4()
        guard (0xDC00...0xDFFF).contains(second) else { return "\u{FFFD}" }
        return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) ?? "\u{FFFD}"
    }

    private mutating func hex4() throws(JSONText.Failure) -> UInt32 {
        guard at + 4 <= bytes.count, let value = UInt32(String(decoding: bytes[at..<at + 4], as: UTF8.self), radix: 16)
        else { throw failure("four hexadecimal digits are expected") }
        at += 4
        return value
    }
}
