internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform
internal import Foundation

/// Moments and spans as people and machines read them.
enum TimeText {
    /// `10:22:03`, local.
    static func clock(_ time: Timestamp) -> String { format(time, "%H:%M:%S") }

    /// `2026-11-21 10:22:03`, local.
    static func full(_ time: Timestamp) -> String { format(time, "%Y-%m-%d %H:%M:%S") }

    /// RFC 3339 with milliseconds, UTC.
    static func iso(_ time: Timestamp) -> String { time.iso8601 }

    /// `4m10s`; no milliseconds above a second.
    static func span(_ duration: Duration) -> String {
        let milliseconds = max(0, duration.wholeMilliseconds)
        return milliseconds < 1000 ? "\(milliseconds)ms" : Duration.seconds(milliseconds / 1000).text
    }

    /// The time that is left, rounded up to whole seconds: `span` rounds the time passed down, so the two add up.
    static func left(_ duration: Duration) -> String {
        Duration.seconds((max(0, duration.wholeMilliseconds) + 999) / 1000).text
    }

    private static func format(_ time: Timestamp, _ pattern: String) -> String {
        var seconds = time_t(time.milliseconds / 1000)
        var parts = tm()
        localtime_r(&seconds, &parts)
        return format(parts, pattern)
    }

    private static func format(_ parts: tm, _ pattern: String) -> String {
        var parts = parts
        var buffer = [CChar](repeating: 0, count: 64)
        let count = strftime(&buffer, buffer.count, pattern, &parts)
        return String(decoding: buffer[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
