internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform
internal import BelayRouters
internal import BelaySpec

enum DurationArgument {
    /// For `@Option(transform:)`: `90s`, `5m`, `1h30m`.
    static func parse(_ text: String) throws -> Duration {
        guard let duration = Duration(text: text) else {
            throw ValidationError("`\(text)` is not a duration such as 90s, 5m or 1h30m")
        }
        return duration
    }
}
