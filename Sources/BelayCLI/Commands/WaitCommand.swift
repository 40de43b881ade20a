internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform

extension RolloutMachine {
    /// Paused, waiting for approval, or in need of attention.
    var waitsForPerson: Bool {
        if state.pause != nil || state.attention != nil { return true }
        if case .step(_, .approving) = state.phase { return true }
        return false
    }
}

struct WaitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wait", abstract: "Block until a rollout is finished, paused or at a step.",
        discussion: "Ends with the outcome's exit code; 4 where it waits for a person, 5 at the time limit.")

    @Argument(help: "The rollout's id, or a name: its latest rollout.") var rollout: String?
    @Option(name: .customLong("for"), help: "finished, paused or step=N.") var goal: String = "finished"
    @Option(help: "How long to wait at most, e.g. 30m.", transform: DurationArgument.parse) var timeout: Duration?
    @OptionGroup var store: StoreOptions

    func run() async throws {
        Signals.unblock()
        let goal: Waiting.Goal
        switch self.goal {
        case "finished": goal = .finished(stopsForPeople: true)
        case "paused": goal = .paused
        default:
            guard self.goal.hasPrefix("step="), let step = Int(self.goal.dropFirst(5)), step > 0 else {
                throw ValidationError("--for \(self.goal): finished, paused or step=N is expected")
            }
            goal = .step(step)
        }
        let clock = WallClock()
        let journal = try store.open(.operate, clock: clock)
        let found: RolloutSummary
        do throws(CommandFailure) {
            guard let meant = try Operation.meant(by: rollout, in: journal) else {
                throw CommandFailure(.usage, "no rollout is under way; name the one to wait for")
            }
            found = meant
        } catch {
            // To wait for a rollout that is not there is a mistake in the job, and no outcome of a rollout.
            throw CommandFailure(error.code == .failure ? .usage : error.code, lines: error.lines)
        }
        let status = try await Waiting(journal: journal, clock: clock).wait(found.id, for: goal, timeout: timeout)
        if status == .timedOut { Console.say("\(found.id): not \(self.goal) within \(timeout?.text ?? "")") }
        if store.output == .json {
            Console.print(
                JSONText.write(
                    .object([.init("rollout", .string(found.id)), .init("exit", .int(Int64(status.rawValue)))])))
        }
        throw ExitCode(status.rawValue)
    }
}
