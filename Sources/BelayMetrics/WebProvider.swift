internal import BelayCore
internal import BelayEngine
internal import BelayHTTP
internal import BelayPlatform

/// Any service that answers with JSON.
struct WebProvider: Sendable {
    private let queue: ServerQueue
    private let secrets: SecretReader

    init(queue: ServerQueue, secrets: SecretReader) {
        self.queue = queue
        self.secrets = secrets
    }

    func measure(_ query: WebQuery) async -> MetricAnswer {
        let body: [UInt8]?
        do throws(SecretFailure) {
            body = try query.body.map { body throws(SecretFailure) in
                switch body {
                case .text(let text): Array(try secrets.expand(text).utf8)
                case .json(let json): Array(JSONText.write(try secrets.expand(json)).utf8)
                }
            }
        } catch {
            return .error(error.message)
        }
        let isTyped = query.server.headers.contains { $0.name.lowercased() == "content-type" }
        let headers = body == nil || isTyped ? [] : ["Content-Type: application/json"]
        switch await queue.send(query.server, query.method.rawValue, query.server.address, headers: headers, body: body)
        {
        case .failure(let failure): return failure.answer()
        case .success(let response): return Self.answer(response, query)
        }
    }

    static func answer(_ response: HTTPResponse, _ query: WebQuery) -> MetricAnswer {
        if let failure = response.failure() {
            return failure.of(query.server.address).answer()
        }
        do throws(JSONText.Failure) {
            let json = try JSONText.parse(response.body)
            guard let value = query.path.value(in: json) else {
                return .error("\(query.server.address): the answer has nothing at \(query.path.text)")
            }
            return MetricAnswer.of(value)
        } catch {
            return .error("\(query.server.address): the answer is not JSON (byte \(error.offset): \(error.message))")
        }
    }
}

extension MetricAnswer {
    /// A value with its text for people.
    static func of(_ value: JSONValue) -> MetricAnswer {
        if let number = value.number { return .scalar(number) }
        return .json(value, text: JSONText.write(value))
    }
}
