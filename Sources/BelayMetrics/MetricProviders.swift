package import BelayCore
internal import BelayEngine
package import BelayHTTP

/// Asks the source of a metric, whatever its kind; each kind has a provider of its own.
package struct MetricProviders: MetricProvider {
    private let prometheus: PrometheusProvider
    private let web: WebProvider
    private let command: CommandProvider
    private let secrets: SecretReader

    /// - Parameter environment: Where `env:NAME` references are looked up, each time they are used.
    package init(client: HTTPClient, environment: [String: String]) {
        let secrets = SecretReader(environment: environment)
        self.secrets = secrets
        let queue = ServerQueue(client: client, secrets: secrets)
        prometheus = PrometheusProvider(queue: queue)
        web = WebProvider(queue: queue, secrets: secrets)
        command = CommandProvider(secrets: secrets)
    }

    /// As its protocol says.
    package func measure(_ metric: Metric, at moment: Timestamp) async -> MetricReading {
        var reading = await ask(metric, at: moment)
        reading.answer = redacted(reading.answer)
        reading.requests = reading.requests.map(redacted)
        reading.detail = secrets.redact(reading.detail)
        return reading
    }

    private func ask(_ metric: Metric, at moment: Timestamp) async -> MetricReading {
        switch metric.source {
        case .prometheus(let query): await prometheus.measure(query, at: moment)
        case .web(let query): MetricReading(await web.measure(query))
        case .command(let query): await command.measure(query)
        case .constant(let value): MetricReading(MetricAnswer.of(value))
        case .target: MetricReading(.noData("the target answers this only while a release is driven"))
        }
    }

    /// Remarks that came with answers which are right all the same, for people; each remark once.
    package var remarks: [String] { prometheus.remarks.map(shown) }

    /// As its protocol says.
    package func vector(_ query: String, of metric: Metric, at moment: Timestamp) async -> VectorAnswer {
        guard let source = metric.prometheus else { return .error("only Prometheus has series") }
        switch await prometheus.vector(query, source, at: moment) {
        case .noData(let message): return .noData(shown(message))
        case .error(let message): return .error(shown(message))
        case .series(let series): return .series(series)
        }
    }

    /// As its protocol says.
    package func counters(_ metric: Metric, back: Duration, at moment: Timestamp) async -> CounterAnswer {
        guard let query = metric.prometheus else { return .error("only Prometheus has counters") }
        switch await prometheus.counters(query, back: back, at: moment) {
        case .noData(let message): return .noData(shown(message))
        case .error(let message): return .error(shown(message))
        case .samples(let canary, let stable, let server):
            return .samples(canary: canary, stable: stable, at: server)
        }
    }

    /// As its protocol says.
    package func series(_ metric: Metric, back: Duration, at moment: Timestamp) async -> SeriesAnswer {
        guard let query = metric.prometheus, let judge = metric.judge else { return .error("nothing is judged") }
        switch await prometheus.series(judge, query, back: back, at: moment) {
        case .noData(let message): return .noData(shown(message))
        case .error(let message): return .error(shown(message))
        case .pairs(let pairs): return .pairs(pairs)
        }
    }

    /// A text without secrets, at most 300 characters long. The secrets are taken out first: half of a secret would not
    /// be recognised any more.
    private func shown(_ text: String) -> String {
        let redacted = secrets.redact(text)
        return redacted.count <= 300 ? redacted : redacted.prefix(300) + "…"
    }

    /// The answer without secrets: a server or a command may repeat those that it was given, and the record must not.
    private func redacted(_ answer: MetricAnswer) -> MetricAnswer {
        switch answer {
        case .scalar, .list: answer
        case .json(let value, let text): .json(value, text: shown(text))
        case .noData(let message): .noData(shown(message))
        case .error(let message): .error(shown(message))
        }
    }
}
