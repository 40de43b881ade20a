internal import Foundation
internal import Glibc
internal import Subprocess
internal import SystemPackage

/// A child process in a session of its own, its output in a file. Whoever starts one ends it by `stop`.
package final class LocalProcess: Sendable {
    /// A process that could not be started, or did not do what was waited for.
    package struct Failure: Error, CustomStringConvertible, Sendable {
        package let description: String

        package init(description: String) { self.description = description }
    }

    package let pid: Int32
    package let log: String
    private let task: Task<Int32, Never>

    private init(pid: Int32, log: String, task: Task<Int32, Never>) {
        (self.pid, self.log, self.task) = (pid, log, task)
    }

    /// - Parameters:
    ///   - environment: Added to this process's own.
    ///   - log: The file that takes standard output and error.
    ///   - output: Another file for standard output alone.
    package static func start(
        _ executable: String, _ arguments: [String], environment: [String: String] = [:], log: String,
        output: String? = nil
    ) async throws -> LocalProcess {
        let file = try FileDescriptor.open(log, .writeOnly, options: [.create, .append], permissions: .ownerReadWrite)
        let other = try output.map {
            try FileDescriptor.open($0, .writeOnly, options: [.create, .append], permissions: .ownerReadWrite)
        }
        var options = PlatformOptions()
        options.createSession = true
        let added = Dictionary(
            uniqueKeysWithValues: environment.map { (Environment.Key(rawValue: $0)!, $1 as String?) })
        let (pids, found) = AsyncStream.makeStream(of: Int32?.self)
        let task = Task<Int32, Never> { [options] in
            defer { found.finish() }
            do {
                let result = try await run(
                    executable.contains("/") ? .path(FilePath(executable)) : .name(executable),
                    arguments: Arguments(arguments),
                    environment: .inherit.updating(added), platformOptions: options, input: .none,
                    output: .fileDescriptor(other ?? file, closeAfterSpawningProcess: other != nil),
                    error: .fileDescriptor(file, closeAfterSpawningProcess: true)
                ) { execution in found.yield(Int32(execution.processIdentifier.value)) }
                switch result.terminationStatus {
                case .exited(let code): return Int32(code)
                case .signaled(let signal): return 128 + Int32(signal)
                }
            } catch {
                found.yield(nil)
                return -1
            }
        }
        for await pid in pids {
            guard let pid else { break }
            return LocalProcess(pid: pid, log: log, task: task)
        }
        throw Failure(description: "\(executable) cannot be started")
    }

    /// Its exit code, or 128 and the signal that ended it.
    package func wait() async -> Int32 { await task.value }

    /// Sends it a signal.
    package func signal(_ number: Int32) { kill(pid, number) }

    /// Ends it and everything it started.
    package func stop() async {
        kill(-pid, SIGTERM)
        let grace = Task {
            try await Task.sleep(for: .seconds(2))
            kill(-pid, SIGKILL)
        }
        _ = await task.value
        grace.cancel()
        kill(-pid, SIGKILL)  // A child that outlived its leader.
    }

    package var output: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }
}
