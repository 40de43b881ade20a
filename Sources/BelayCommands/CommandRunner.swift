internal import Foundation
internal import Glibc
internal import Subprocess
internal import Synchronization
internal import SystemPackage

/// Runs a program of the user's, in a process group of its own that ends with it.
package struct CommandRunner: Sendable {
    package enum Outcome: Sendable {
        /// It took longer than its limit, and was ended with its whole group.
        case timeout
        /// It could not be started, or printed more than 1 MB.
        case failed(String)
        case exited(Int32, output: String, complaint: String)
        case signaled(Int32, complaint: String)
    }

    /// The program and its arguments; a name without a slash is looked for in `PATH`.
    package var arguments: [String]
    /// Added to this process's own.
    package var environment: [(name: String, value: String)] = []
    /// nil: this process's own.
    package var directory: String?
    package var timeout: Duration

    /// More output than this is an error.
    private static let largest = 1 << 20

    package init(_ arguments: [String], timeout: Duration) {
        self.arguments = arguments
        self.timeout = timeout
    }

    /// Cancelled with its task: the program is then ended.
    package func run() async -> Outcome {
        await withTaskGroup(of: Outcome.self) { group in
            group.addTask { await execute() }
            group.addTask {
                try? await Task.sleep(for: timeout)
                return .timeout
            }
            let first = await group.next() ?? .timeout
            group.cancelAll()  // The other one; a program under way is ended with its whole group.
            return first
        }
    }

    private func execute() async -> Outcome {
        let name = arguments[0]
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [
            .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .milliseconds(500))
        ]
        var added: [Environment.Key: String?] = [:]
        for (name, value) in environment { if let key = Environment.Key(rawValue: name) { added[key] = value } }
        let leader = Atomic<Int32>(0)
        // The teardown stops when the leader is gone; a child that ignored the signal would live on.
        defer {
            let pid = leader.load(ordering: .acquiring)
            if pid > 0 { kill(-pid, SIGKILL) }
        }
        do {
            let result = try await Subprocess.run(
                name.contains("/") ? .path(FilePath(name)) : .name(name),
                arguments: Arguments(Array(arguments.dropFirst())), environment: .inherit.updating(added),
                workingDirectory: directory.map { FilePath($0) }, platformOptions: options, input: .none,
                output: .string(limit: Self.largest), error: .string(limit: Self.largest)
            ) { execution in leader.store(Int32(execution.processIdentifier.value), ordering: .releasing) }
            return switch result.terminationStatus {
            case .exited(let code):
                .exited(Int32(code), output: result.standardOutput, complaint: result.standardError)
            case .signaled(let signal): .signaled(Int32(signal), complaint: result.standardError)
            }
        } catch let error as SubprocessError where error.code == .outputLimitExceeded {
            return .failed("printed more than \(Self.largest) bytes")
        } catch {
            return .failed("cannot be started: \(error)")
        }
    }
}

extension CommandRunner.Outcome {
    /// What went wrong, for people, with the last line of what it complained; nil where it ended with 0.
    /// - Parameter name: The program's.
    package func complaint(of name: String, limit: String) -> String? {
        switch self {
        case .timeout: "`\(name)` took longer than \(limit) and was ended"
        case .failed(let message): "`\(name)` \(message)"
        case .exited(0, _, _): nil
        case .exited(let code, _, let complaint): "`\(name)` ended with status \(code)\(Self.last(of: complaint))"
        case .signaled(let signal, let complaint): "`\(name)` was ended by signal \(signal)\(Self.last(of: complaint))"
        }
    }

    private static func last(of complaint: String) -> String {
        complaint.split(separator: "\n").last.map { ": \($0.prefix(4000))" } ?? ""
    }
}
