/// An answer of any kind, or why there is none.
protocol FailableAnswer {
    static func noData(_ message: String) -> Self
    static func error(_ message: String) -> Self
}
