/// Why a query has no result.
struct QueryFailure: Error {
    /// Whether this is no data: the server may answer later, and nobody is to blame. Else it is an error.
    let isNoData: Bool
    let message: String

    init(_ isNoData: Bool, _ message: String) {
        self.isNoData = isNoData
        self.message = message
    }

    /// The same failure, with what it is about in front of the message.
    func of(_ subject: String) -> QueryFailure { QueryFailure(isNoData, "\(subject): \(message)") }

    func answer<Answer: FailableAnswer>() -> Answer { isNoData ? .noData(message) : .error(message) }
}
