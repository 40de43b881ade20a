internal import BelayCommands
package import BelayCore
internal import BelayEngine
internal import BelayPlatform

/// Runs a release's programs, with a lock and a log beside the target's mark. The command `flock` holds the lock for as
/// long as the program runs, also where this process has died, so that no other driver's program runs at the same time.
/// The command `timeout` ends the program after its time; what is left of its process group is then killed before the
/// lock is free.
package struct TargetPrograms: ActionRunner {
    private let lockPath: String
    private let logPath: String

    init(_ owner: OwnerFile) { (lockPath, logPath) = (owner.actionLockPath, owner.actionLogPath) }

    /// For a target that is no file of this machine's: the lock keeps out this machine's other drivers alone.
    /// - Parameters:
    ///   - store: The journal's path; lock and log lie beside it.
    ///   - target: Its identity.
    package init(beside store: String, of target: String) {
        self.init(OwnerFile(of: store, key: target))
    }

    /// The status with which `flock` ends where another process has the lock.
    /// https://man7.org/linux/man-pages/man1/flock.1.html
    private static let isLocked: Int32 = 201
    /// A disk that hangs must hold up nothing but the program itself.
    private static let disk = Blocking("belay.programs", isConcurrent: true)
    private static let unwanted = "nobody wanted it any more"
    private static let pauseBetweenLooks: Duration = .seconds(2)
    private static let longestLook: Duration = .seconds(10)

    /// `timeout` signals the process group that it makes, and ends when the program itself does, even where children
    /// have ignored the signal; so the shell kills the group afterwards.
    /// https://www.gnu.org/software/coreutils/timeout
    private static let keeper = """
        timeout --kill-after=5 "$0" "$@" & group=$!
        wait $group; status=$?
        case $status in 124|137) kill -s KILL -- -$group 2> /dev/null;; esac
        exit $status
        """

    /// As its protocol says.
    package func perform(_ command: CommandAction, as run: ActionRun, of rollout: String) async -> String? {
        if let hindrance = await hindrance(until: ContinuousClock.now + command.timeout) {
            return "it was not begun: \(hindrance)"
        }
        // The program's own time begins once no other program runs on the target.
        let end = ContinuousClock.now + command.timeout
        while true {
            let left = end - ContinuousClock.now
            let complaint = await once(
                command, run, rollout, limit: command.isRepeated ? min(left, Self.longestLook) : left)
            let mayLookAgain =
                command.isRepeated && ContinuousClock.now + Self.pauseBetweenLooks < end && !Task.isCancelled
            if complaint == nil || !mayLookAgain { return complaint }
            try? await Task.sleep(for: Self.pauseBetweenLooks)  // Cancelled: the loop's condition ends it.
        }
    }

    /// Waits for the program of an earlier driver, which may still run.
    /// - Returns: Why nothing can be begun; nil where it can.
    private func hindrance(until end: ContinuousClock.Instant) async -> String? {
        repeat {
            // The lock is given up at once: `flock` takes it again by itself, and its status says where another process
            // was quicker.
            let attempt = await Self.disk.run { [lockPath] in FileLock.acquire(lockPath, patience: .zero) }
            if Task.isCancelled { return Self.unwanted }
            switch attempt {
            case .held: return nil
            case .failed(let message): return message
            case .busy: try? await Task.sleep(for: .milliseconds(200))  // Cancelled: the next turn ends it.
            }
        } while ContinuousClock.now < end
        return "an earlier program of a release on this target still runs (\(lockPath))"
    }

    private func once(_ action: CommandAction, _ run: ActionRun, _ rollout: String, limit: Duration) async -> String? {
        let limit = max(limit, .milliseconds(100))
        let keeper = [
            "flock", "--close", "--nonblock", "--conflict-exit-code=\(Self.isLocked)", lockPath, "/bin/sh", "-c",
            Self.keeper, "\(limit.inSeconds)",
        ]
        var runner = CommandRunner(keeper + action.arguments, timeout: limit)
        runner.directory = action.directory
        runner.environment = [
            ("BELAY_ROLLOUT", rollout), ("BELAY_ACTION", run.kind.rawValue), ("BELAY_ATTEMPT", "\(run.attempt)"),
        ]
        let log = await Self.disk.run { [logPath] in ProgramLog(logPath) }
        if Task.isCancelled { return "it was not begun: \(Self.unwanted)" }
        let started = ContinuousClock.now
        let ended = await runner.runToItsEnd(printingTo: log.file)
        let isOver = ContinuousClock.now - started >= limit
        if case .exited(Self.isLocked, _, _) = ended {
            return "it was not begun: another program of a release on this target was quicker (\(lockPath))"
        }
        let outcome = ended.complaining(await Self.disk.run { log.end }).underTimeout(isOver: isOver)
        let place = log.isKept ? " (all of it in \(logPath))" : ""
        return outcome.complaint(of: action.arguments[0], limit: limit.wholeSeconds).map { $0 + place }
    }
}

extension Duration {
    /// The text of a limit that is what is left of a time: rounded to whole seconds, since a few milliseconds are over.
    fileprivate var wholeSeconds: String {
        self < .milliseconds(500) ? text : Duration.seconds((wholeMilliseconds + 500) / 1000).text
    }
}
