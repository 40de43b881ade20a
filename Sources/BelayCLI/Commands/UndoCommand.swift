internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform
internal import BelayReport

struct UndoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "undo", abstract: "Release the revision again that ran before the last promotion.",
        discussion: """
            A new rollout of that revision's frozen plan, with its gates and the same way back. Where somebody else deploys and the former \
            side still runs, its steps are left out: the traffic goes over at once, and the last hold watches it. While the rollout is \
            under way this is `abort`: one write.
            """)

    @OptionGroup var options: RolloutOptions
    @Option(
        name: .customLong("to"), help: ArgumentHelp("The promoted rollout whose revision is released.", valueName: "id")
    )
    var aim: String?
    @OptionGroup var driving: DriveOptions

    func run() async throws {
        let clock = WallClock()
        let looking = try options.store.open(.operate, clock: clock)
        let latest = try orFail { () throws(JournalFailure) in try looking.find(options.rollout) }
        if latest.outcome == nil {
            guard aim == nil else {
                throw CommandFailure(.taken, "\(latest.id) is under way; without --to `undo` takes its traffic back")
            }
            return try await Aborting(options: options).run()
        }
        let all = try orFail { () throws(JournalFailure) in try looking.rollouts(named: latest.name) }
            .filter { $0.target == latest.target }
        let choice: UndoChoice
        do throws(UndoChoice.Refusal) {
            choice = try UndoChoice(of: all, aim: aim)
        } catch {
            throw CommandFailure(.invalid, "\(latest.name): \(error.words); nothing was touched")
        }
        let before = try orFail { () throws(JournalFailure) in try looking.machine(of: choice.again.id) }
        try checkWhatRan(choice, before, looking)
        Console.say(
            "\(choice.undone.id) released \(choice.undone.revision); \(choice.again.revision) is released again")
        let journal = try options.store.open(.drive, clock: clock)
        let release = driving.release(journal, clock, output: options.store.output)
        let isElsewhere = before.plan.target.workload == .external
        if isElsewhere { try await checkWhatIsThere(choice, before.plan, latest, journal) }
        // The former stable side still runs: nothing has to be brought up, and each step would only take time from people.
        let plan = isElsewhere ? before.plan.lastStepAlone ?? before.plan : before.plan
        do {
            try await release.startAgain(
                plan, of: choice.again.id, options.who, because: DeliveryFigures.undoing + choice.undone.id)
        } catch let failure as CommandFailure where failure.code == .invalid && isElsewhere {
            throw CommandFailure(.invalid, lines: failure.lines + [Self.deployFirst(choice, before.plan)])
        }
    }

    private static func deployFirst(_ choice: UndoChoice, _ again: Plan) -> String {
        "deploy \(choice.again.revision) to \(again.canary.name) first, and `belay run` it with its file"
    }

    /// Another version may be on the side meanwhile, for a release that was taken back, say.
    /// - Parameter latest: The last rollout of the target, whatever became of it.
    private func checkWhatIsThere(
        _ choice: UndoChoice, _ again: Plan, _ latest: RolloutSummary, _ journal: SQLiteJournal
    ) async throws {
        let released = try await unlessRefused { () throws(ReleaseRefusal) in
            try await Release.releases(journal).released(on: again.target.identity)
        }
        let side = again.canary.name
        if latest.id == choice.undone.id, released[side] == choice.again.revision { return }
        let found =
            latest.id == choice.undone.id
            ? released[side].map { "\($0) was released to \(side) last" }
            : "\(latest.id) (\(latest.revision)) has had \(side) since"
        throw CommandFailure(
            .invalid, "\(found ?? "what runs on \(side) is not known"); nothing was touched",
            Self.deployFirst(choice, again))
    }

    /// What ran before the last promotion may be another version than the last one that Belay had released.
    private func checkWhatRan(
        _ choice: UndoChoice, _ again: RolloutMachine, _ journal: SQLiteJournal
    ) throws(CommandFailure) {
        guard aim == nil else { return }
        let undone = try orFail { () throws(JournalFailure) in try journal.machine(of: choice.undone.id) }
        let kit = Kits.kit(for: undone.plan.target.traffic)
        guard let before = kit.versionBefore(undone.started.original, undone.plan.roles),
            let released = Kits.kit(for: again.plan.target.traffic)
                .versionReleased(again.started.original, again.plan.roles),
            before != released
        else { return }
        throw CommandFailure(
            .invalid,
            "\(before) ran before \(choice.undone.id), and no rollout of this journal has released it; `--to \(choice.again.id)` releases "
                + "\(choice.again.revision), `belay run` with that revision the other one; nothing was touched")
    }
}
