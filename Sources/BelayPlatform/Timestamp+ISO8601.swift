package import BelayCore
internal import Foundation

extension Timestamp {
    /// RFC 3339 with milliseconds, UTC: `2026-11-21T10:22:03.250Z`.
    package var iso8601: String {
        var seconds = time_t(milliseconds / 1000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        var buffer = [CChar](repeating: 0, count: 64)
        let count = strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%S", &parts)
        let text = String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return "\(text).\("\(1000 + milliseconds % 1000)".dropFirst())Z"
    }
}
