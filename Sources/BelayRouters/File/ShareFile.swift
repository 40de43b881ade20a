internal import BelayCommands
internal import BelayCore
internal import BelayEngine
internal import BelayPlatform
internal import Glibc

/// The file with the share's number, and the user's programs around it.
struct ShareFile: Sendable {
    /// What was read where a number should be.
    enum Number: Hashable, Sendable {
        case number(Int)
        /// There is nothing: an empty file, or an empty answer of the user's program. The share is unknown then, and
        /// never 0.
        case missing
        /// There is something else.
        case foreign(String)
    }

    /// How long one run of a user's program may take.
    static let commandLimit: Duration = .seconds(1)

    /// After this time no program that an earlier driver began is still running.
    static let longestRun = commandLimit + .milliseconds(500)
    /// How much longer than its limit a program is waited for: it has to be ended, and its end has to be reported.
    private static let grace: Duration = .milliseconds(800)
    /// How many programs may be left that cannot be ended, because the system hangs; then no further one is started.
    private static let mostLate = 4

    let target: FileTraffic
    /// As the target names it; where that is a symbolic link, the file it leads to.
    let path: String
    private let clock: any EngineClock
    private let limit: Duration
    private let late = Locked(0)

    /// - Parameter limit: The time limit of each run of the user's programs; tests on a busy machine give more.
    init(_ target: FileTraffic, _ clock: any EngineClock, limit: Duration = commandLimit) {
        self.target = target
        self.clock = clock
        self.limit = limit
        path = OwnedFile.resolved(target.path)
    }

    /// - Throws: ``FileFailure`` where the file cannot be read.
    func number() throws(FileFailure) -> Number {
        Self.number(in: String(decoding: try OwnedFile.read(path), as: UTF8.self))
    }

    private static func number(in text: String) -> Number {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard let word = words.first else { return .missing }
        guard words.count == 1, let number = Int(word), word.allSatisfy(\.isNumber) else {
            return .foreign(text.shortened.printable)
        }
        return .number(number)
    }

    /// - Parameter isWanted: Asked last, before the file is replaced. A text stops the write, and is returned.
    /// - Returns: What went wrong; nil where the number is there.
    func write(_ number: Int, isWanted: () -> String? = { nil }) -> String? {
        do throws(FileFailure) {
            if try self.number() == .number(number) { return isWanted() }
        } catch {
            // It is written all the same: the way back must not depend on what was there.
        }
        do throws(FileFailure) {
            try OwnedFile.replace(path, with: Array("\(number)\n".utf8), as: .watched, isWanted: isWanted)
            return nil
        } catch {
            return error.message
        }
    }

    /// Tells the user's program of a number, where there is one to be told.
    /// - Returns: What went wrong; nil where it ended with 0.
    func announce(_ number: Int) async -> String? {
        guard let name = target.run.first else { return nil }
        let outcome = await run(
            target.run,
            [("BELAY_FILE", target.path), ("BELAY_SHARE", "\(number)"), ("BELAY_SCALE", "\(target.scale)")])
        return outcome.complaint(of: name, limit: limit.text)
    }

    /// The number in force, as the user's program says; nil where there is none to be asked.
    func inForce() async -> Result<Number, FileFailure>? {
        guard let name = target.read.first else { return nil }
        let outcome = await run(target.read, [])
        if let complaint = outcome.complaint(of: name, limit: limit.text) {
            return .failure(FileFailure(message: complaint))
        }
        guard case .exited(_, let output, _) = outcome else { return nil }
        return .success(Self.number(in: output))
    }

    /// The words before a program of the user's: `timeout` ends it after its limit, even where this process has died. A
    /// program that outlives its driver would act for nobody.
    private var keeper: [String] { ["timeout", "--kill-after=0.3", "\(limit.inSeconds)"] }

    /// Runs a program and waits for as long as it takes to end it. One that cannot be ended, because the disk under it
    /// hangs, is left to itself and counts as timed out.
    private func run(_ words: [String], _ environment: [(name: String, value: String)]) async -> CommandRunner.Outcome {
        guard late.withLock({ $0 }) < Self.mostLate else {
            return .failed("is not started: \(Self.mostLate) earlier ones have not ended")
        }
        var command = CommandRunner(keeper + words, timeout: limit * 2)
        (command.environment, command.directory) = (environment, "/")
        let job = Locked<Task<Void, Never>?>(nil)
        let outcome = await withTaskCancellationHandler {
            await clock.wait(
                limit + Self.grace, late: { (_: CommandRunner.Outcome) in late.withLock { $0 -= 1 } },
                for: { bring in
                    let task = clock.spawn { [command] in bring(await command.run()) }
                    job.withLock { $0 = task }
                    if Task.isCancelled { task.cancel() }
                })
        } onCancel: {
            job.withLock { $0 }?.cancel()
        }
        guard let outcome else {
            late.withLock { $0 += 1 }
            return .timeout
        }
        return outcome.underTimeout()
    }

    /// Why the user's programs cannot be run; empty where they can, or where they are to be found in `PATH`.
    var missingPrograms: [String] {
        [target.run, target.read].compactMap(\.first).filter { $0.contains("/") }.compactMap { path in
            guard access(path, X_OK) != 0 else { return nil }
            return "\(path): \(String(cString: strerror(errno)))"
        }
    }
}
