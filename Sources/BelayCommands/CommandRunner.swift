internal import Foundation
internal import Glibc
internal import Subprocess
internal import Synchronization
internal import SystemPackage

/// Runs a program of the user's, in a process group of its own that ends with it.
package struct CommandRunner: Sendable {
    /// How a program ended.
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

    /// Runs the program to its end, also where the task is cancelled or this process dies: the program has a session of
    /// its own, no time limit of ours and no pipe that could break. Processes that it leaves running are not ended.
    /// - Parameter file: A file that is open for appending. It takes both output streams, in their order.
    /// - Returns: The outcome, without what the program printed.
    package func runToItsEnd(printingTo file: Int32) async -> Outcome {
        await Task.detached { await executeToItsEnd(FileDescriptor(rawValue: file)) }.value
    }

    private func executeToItsEnd(_ file: FileDescriptor) async -> Outcome {
        do {
            let result = try await Subprocess.run(
                program, arguments: Arguments(Array(arguments.dropFirst())), environment: .inherit.updating(added),
                workingDirectory: directory.map { FilePath($0) }, platformOptions: ownSession, input: .none,
                output: .fileDescriptor(file, closeAfterSpawningProcess: false),
                error: .fileDescriptor(file, closeAfterSpawningProcess: false))
            return Outcome(result.terminationStatus)
        } catch {
            return .failed("cannot be started: \(error)")
        }
    }

    private var program: Executable {
        arguments[0].contains("/") ? .path(FilePath(arguments[0])) : .name(arguments[0])
    }

    private var ownSession: PlatformOptions {
        var options = PlatformOptions()
        options.createSession = true
        return options
    }

    private var added: [Environment.Key: String?] {
        var added: [Environment.Key: String?] = [:]
        for (name, value) in environment { if let key = Environment.Key(rawValue: name) { added[key] = value } }
        return added
    }

    private func execute() async -> Outcome {
        var options = ownSession
        options.teardownSequence = [
            .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .milliseconds(500))
        ]
        let leader = Atomic<Int32>(0)
        // The teardown stops when the leader is gone; a child that ignored the signal would live on.
        defer {
            let pid = leader.load(ordering: .acquiring)
            if pid > 0 { kill(-pid, SIGKILL) }
        }
        do {
            let result = try await Subprocess.run(
                program, arguments: Arguments(Array(arguments.dropFirst())), environment: .inherit.updating(added),
                workingDirectory: directory.map { FilePath($0) }, platformOptions: options, input: .none,
                output: .string(limit: Self.largest), error: .string(limit: Self.largest)
            ) { execution in leader.store(Int32(execution.processIdentifier.value), ordering: .releasing) }
            return Outcome(
                result.terminationStatus, output: result.standardOutput, complaint: result.standardError)
        } catch let error as SubprocessError where error.code == .outputLimitExceeded {
            return .failed("printed more than \(Self.largest) bytes")
        } catch {
            return .failed("cannot be started: \(error)")
        }
    }
}

extension CommandRunner.Outcome {
    fileprivate init(_ status: TerminationStatus, output: String = "", complaint: String = "") {
        switch status {
        case .exited(let code): self = .exited(Int32(code), output: output, complaint: complaint)
        case .signaled(let signal): self = .signaled(Int32(signal), complaint: complaint)
        }
    }

    /// What came of a program that was run by the command `timeout`, told from how `timeout` itself ended.
    /// Source: https://www.gnu.org/software/coreutils/timeout
    /// - Parameter isOver: Whether the program's time was over: the program may end with the same numbers by itself.
    package func underTimeout(isOver: Bool = true) -> Self {
        switch self {
        case .exited(124, _, _) where isOver, .exited(137, _, _) where isOver: .timeout
        case .signaled(SIGKILL, _) where isOver: .timeout
        case .exited(126, _, let complaint), .exited(127, _, let complaint):
            .failed("cannot be started: \(complaint.split(separator: "\n").last ?? "")")
        case .timeout, .failed, .exited, .signaled: self
        }
    }

    /// The same outcome, where the program's complaint was printed elsewhere and is given here.
    package func complaining(_ words: String) -> Self {
        switch self {
        case .exited(let code, let output, _): .exited(code, output: output, complaint: words)
        case .signaled(let signal, _): .signaled(signal, complaint: words)
        case .timeout, .failed: self
        }
    }

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
