internal import BelayCore
internal import BelayEngine
internal import BelayHTTP
internal import Foundation

/// What is asked for one moment, so that the same question is sent once.
actor SharedQuestions {
    private struct Question: Hashable {
        let endpoint: Endpoint
        let path: String
        let form: String
    }

    private var moment: Timestamp?
    private var asked: [Question: Task<Result<JSONValue, QueryFailure>, Never>] = [:]

    func answer(
        _ endpoint: Endpoint, _ path: String, _ form: String, at moment: Timestamp,
        _ ask: @escaping @Sendable () async -> Result<JSONValue, QueryFailure>
    ) async -> Result<JSONValue, QueryFailure> {
        if moment != self.moment {
            self.moment = moment
            asked = [:]
        }
        let question = Question(endpoint: endpoint, path: path, form: form)
        let task = asked[question] ?? Task { await ask() }
        asked[question] = task
        return await task.value
    }
}
