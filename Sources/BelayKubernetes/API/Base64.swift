internal import Foundation

/// RFC 4648, with white space passed over.
enum Base64 {
    static func encode(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

    /// nil where the text is none.
    static func decode(_ text: String) -> [UInt8]? {
        let plain = String(text.filter { !$0.isWhitespace })
        return Data(base64Encoded: plain).map(Array.init)
    }
}
