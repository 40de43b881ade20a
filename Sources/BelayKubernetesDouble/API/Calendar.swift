internal import BelayCore

/// Times as the API writes them (RFC 3339).
enum Calendar {
    /// `2026-11-28T04:02:41Z`
    static func text(_ time: Timestamp) -> String {
        let seconds = time.milliseconds / 1000
        let (days, rest) = (seconds / 86_400, seconds % 86_400)
        // Days since 1970 to a date: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let realMonth = month < 10 ? month + 3 : month - 9
        let year = yearOfEra + era * 400 + (realMonth <= 2 ? 1 : 0)
        let date = "\(padded(year, 4))-\(padded(realMonth))-\(padded(day))"
        return "\(date)T\(padded(rest / 3600)):\(padded(rest / 60 % 60)):\(padded(rest % 60))Z"
    }

    private static func padded(_ number: Int64, _ width: Int = 2) -> String {
        let text = "\(number)"
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }
}
