internal import BelayCommands
internal import BelayCore
internal import BelayEngine
internal import BelayPlatform
internal import Foundation

/// Measures by a program of the user's, which runs in a process group of its own that ends with it.
struct CommandProvider: Sendable {
    private let secrets: SecretReader

    init(secrets: SecretReader) { self.secrets = secrets }

    /// How many bytes of what the program printed are kept, counted from the end.
    private static let kept = 2048

    func measure(_ query: CommandQuery) async -> MetricReading {
        var added: [(name: String, value: String)] = []
        do throws(SecretFailure) {
            for variable in query.environment { added.append((variable.name, try secrets.expand(variable.value))) }
        } catch {
            return MetricReading(.error(error.message))
        }
        var command = CommandRunner(query.arguments, timeout: query.timeout)
        (command.environment, command.directory) = (added, query.directory)
        let outcome = await command.run()
        let name = query.arguments[0]
        if case .timeout = outcome {
            return MetricReading(.noData("`\(name)` took longer than \(query.timeout.text) and was ended"))
        }
        guard case .exited(let status, let output, let complaint) = outcome,
            status == 0 || query.reads == .exitStatus
        else {
            return MetricReading(.error(outcome.complaint(of: name, limit: query.timeout.text) ?? ""))
        }
        var reading = MetricReading(Self.answer(query, status, output))
        let printed = secrets.redact(output + complaint).trimmingCharacters(in: .whitespacesAndNewlines)
        if query.reads == .exitStatus, !printed.isEmpty {
            reading.detail = "it printed: " + String(decoding: printed.utf8.suffix(Self.kept), as: UTF8.self)
        }
        return reading
    }

    private static func answer(_ query: CommandQuery, _ status: Int32, _ output: String) -> MetricAnswer {
        if query.reads == .exitStatus { return .scalar(Double(status)) }
        let text = output.trimmingCharacters(in: .whitespacesAndNewlines)
        if let number = CounterMatrix.number(text) { return .scalar(number) }
        do throws(JSONText.Failure) {
            return MetricAnswer.of(try JSONText.parse(text))
        } catch {
            return .error("`\(query.arguments[0])` printed no number and no JSON: \(text.prefix(4000))")
        }
    }
}
