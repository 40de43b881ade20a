internal import BelayCore
internal import BelayEngine
internal import Foundation
internal import Glibc
internal import Subprocess
internal import SystemPackage

/// A program of the user's, in a process group of its own that ends with it.
struct CommandProvider: Sendable {
    private let secrets: SecretReader

    /// More output than this is an error.
    private static let largest = 1 << 20

    init(secrets: SecretReader) { self.secrets = secrets }

    /// So much of what it printed is kept, from the end.
    private static let kept = 2048

    func measure(_ query: CommandQuery) async -> MetricReading {
        var added: [Environment.Key: String?] = [:]
        do throws(SecretFailure) {
            for variable in query.environment {
                guard let key = Environment.Key(rawValue: variable.name) else { continue }
                added[key] = try secrets.expand(variable.value)
            }
        } catch {
            return MetricReading(.error(error.message))
        }
        let environment = Environment.inherit.updating(added)
        let name = query.arguments[0]
        let outcome = await withTaskGroup(of: Outcome.self) { group in
            group.addTask { await Self.run(query, environment) }
            group.addTask {
                try? await Task.sleep(for: query.timeout)
                return .timeout
            }
            let first = await group.next() ?? .timeout
            group.cancelAll()  // The other one; a program under way is ended with its whole group.
            return first
        }
        switch outcome {
        case .timeout:
            return MetricReading(.noData("`\(name)` took longer than \(query.timeout.text) and was ended"))
        case .failed(let message): return MetricReading(.error("`\(name)` \(message)"))
        case .ended(let status, let output, let complaint):
            var reading = MetricReading(Self.answer(query, status, output, complaint))
            let printed = secrets.redact(output + complaint).trimmingCharacters(in: .whitespacesAndNewlines)
            if query.reads == .exitStatus, !printed.isEmpty {
                reading.detail = "it printed: " + String(decoding: printed.utf8.suffix(Self.kept), as: UTF8.self)
            }
            return reading
        }
    }

    private enum Outcome: Sendable {
        case timeout
        case failed(String)
        case ended(TerminationStatus, output: String, complaint: String)
    }

    private static func run(_ query: CommandQuery, _ environment: Environment) async -> Outcome {
        let name = query.arguments[0]
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [
            .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .milliseconds(500))
        ]
        let group = Locked<Int32?>(nil)
        // The teardown stops when the leader is gone; a child that ignored the signal would live on.
        defer { if let pid = group.withLock({ $0 }) { kill(-pid, SIGKILL) } }
        do {
            let result = try await Subprocess.run(
                name.contains("/") ? .path(FilePath(name)) : .name(name),
                arguments: Arguments(Array(query.arguments.dropFirst())), environment: environment,
                workingDirectory: query.directory.map { FilePath($0) }, platformOptions: options, input: .none,
                output: .string(limit: largest), error: .string(limit: largest)
            ) { execution in group.withLock { $0 = Int32(execution.processIdentifier.value) } }
            return .ended(
                result.terminationStatus, output: result.standardOutput, complaint: result.standardError)
        } catch let error as SubprocessError where error.code == .outputLimitExceeded {
            return .failed("printed more than \(largest) bytes")
        } catch {
            return .failed("cannot be started: \(error)")
        }
    }

    private static func answer(
        _ query: CommandQuery, _ status: TerminationStatus, _ output: String, _ complaint: String
    ) -> MetricAnswer {
        let name = query.arguments[0]
        let last = complaint.split(separator: "\n").last.map { ": \($0.prefix(4000))" } ?? ""
        switch (status, query.reads) {
        case (.signaled(let signal), _): return .error("`\(name)` was ended by signal \(signal)\(last)")
        case (.exited(let code), .exitStatus): return .scalar(Double(code))
        case (.exited(0), .output):
            let text = output.trimmingCharacters(in: .whitespacesAndNewlines)
            if let number = CounterSamples.number(text) { return .scalar(number) }
            do throws(JSONText.Failure) {
                return MetricAnswer.of(try JSONText.parse(text))
            } catch {
                return .error("`\(name)` printed no number and no JSON: \(text.prefix(4000))")
            }
        case (.exited(let code), .output): return .error("`\(name)` ended with status \(code)\(last)")
        }
    }
}
