internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayRouters
internal import BelaySpec

/// A rollout's file and what overrides it.
struct SpecOptions: ParsableArguments {
    @Argument(help: "The rollout's file.")
    var file: String

    @Option(help: "The revision to release; else the file's.")
    var revision: String?

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("Overrides one value, e.g. spec.strategy.canary.steps[0].hold=1m.", valueName: "path=value"))
    var overrides: [String] = []

    func load() throws(CommandFailure) -> RolloutSpec {
        let (source, loader) = (try SpecFiles.read(file), try SpecFiles.loader(overrides: overrides))
        do throws(SpecFailure) {
            return try loader.rollout(source, revision: revision)
        } catch {
            throw CommandFailure(error)
        }
    }
}

extension Release.OnCancel: ExpressibleByArgument {}

enum DurationArgument {
    /// For `@Option(transform:)`: `90s`, `5m`, `1h30m`.
    static func parse(_ text: String) throws -> Duration {
        guard let duration = Duration(text: text) else {
            throw ValidationError("`\(text)` is not a duration such as 90s, 5m or 1h30m")
        }
        return duration
    }
}

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Start a rollout and drive it to its end.",
        discussion: "Plans, records, moves the traffic step by step, and takes it back by itself when a gate fails.")

    @OptionGroup var spec: SpecOptions
    @OptionGroup var store: StoreOptions
    @OptionGroup var who: ActorOptions

    @Option(help: "A repeated run of the same key attaches to the first one instead of starting twice.")
    var key: String?

    @Option(
        help: "The whole rollout's time limit, e.g. 2h; its end is the way back.", transform: DurationArgument.parse)
    var timeout: Duration?

    @Option(help: "On SIGINT, SIGTERM or SIGHUP: rollback takes the traffic back, leave lets it be for `resume`.")
    var onCancel: Release.OnCancel = .rollback

    func run() async throws {
        let spec = try spec.load()
        let clock = WallClock()
        let journal = try store.open(.drive, clock: clock)
        let release = Release(journal: journal, clock: clock, reporter: Reporter(output: store.output))
        if let key, let id = try orFail({ () throws(JournalFailure) in try journal.rollout(withKey: key) }) {
            return try await attach(to: id, release)
        }
        let bound = try await Release.bind(spec, journal: journal)
        for note in try await Release.tryMetrics(of: bound.plan) { Console.say("note: \(note)") }
        for warning in await Release.warnings(bound) { Console.say("note: \(warning)") }
        do {
            let status = try await release.start(
                bound.plan, original: bound.original, key: key, timeout: timeout, actor: who.person, reason: who.reason,
                onCancel: onCancel)
            throw ExitCode(status.rawValue)
        } catch let failure as CommandFailure {
            // Another run of the same key may have been quicker between our look and our record.
            guard let key, let id = try orFail({ () throws(JournalFailure) in try journal.rollout(withKey: key) })
            else { throw failure }
            try await attach(to: id, release)
        }
    }

    /// The first run of this key is over, is driven by a living process, or has to be picked up.
    private func attach(to id: String, _ release: Release) async throws {
        Console.say("\(id): attaching, the key \(key ?? "") was used before")
        let machine = try orFail { () throws(JournalFailure) in try release.journal.machine(of: id) }
        if case .finished(let outcome) = machine.state.phase { throw ExitCode(ExitStatus(outcome).rawValue) }
        let holder = try orFail { () throws(JournalFailure) in try release.journal.holder(of: id) }
        if let holder, holder.isLive(at: release.clock.now) {
            Signals.unblock()
            let status = try await Waiting(journal: release.journal, clock: release.clock)
                .wait(id, for: .finished(stopsForPeople: false), timeout: nil)
            throw ExitCode(status.rawValue)
        }
        throw ExitCode(try await release.resume(id, commands: [], onCancel: onCancel).rawValue)
    }
}

struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "Lift a pause; where nobody drives, take over and drive to the end.")

    @Argument(help: "The rollout's id, or a name: its latest rollout.")
    var rollout: String?

    @Flag(help: "Take over only; a pause stays.")
    var driveOnly = false

    @Option(help: "On SIGINT, SIGTERM or SIGHUP: rollback takes the traffic back, leave lets it be for `resume`.")
    var onCancel: Release.OnCancel = .rollback

    @OptionGroup var store: StoreOptions
    @OptionGroup var who: ActorOptions

    func run() async throws {
        let clock = WallClock()
        let journal = try store.open(.drive, clock: clock)
        let found = try orFail { () throws(JournalFailure) in try journal.find(rollout) }
        let operation = Operation(journal: journal, clock: clock, id: found.id)
        let machine = try orFail { () throws(JournalFailure) in try journal.machine(of: found.id) }
        if case .finished(let outcome) = machine.state.phase {
            Console.say("\(found.id) is over: \(found.outcome ?? "")")
            throw ExitCode(ExitStatus(outcome).rawValue)
        }
        let commands = driveOnly || machine.state.pause == nil ? [] : [try operation.command(.resume, who)]
        if try operation.isDriven() {
            guard !driveOnly else { throw CommandFailure(.taken, "\(found.id) is driven already") }
            return try await operation.tell(.resume, who, output: store.output)
        }
        let release = Release(journal: journal, clock: clock, reporter: Reporter(output: store.output))
        throw ExitCode(try await release.resume(found.id, commands: commands, onCancel: onCancel).rawValue)
    }
}

struct RetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Start a new rollout of the same frozen plan.")

    @Argument(help: "The rollout's id, or a name: its latest rollout.")
    var rollout: String?

    @Option(help: "On SIGINT, SIGTERM or SIGHUP: rollback takes the traffic back, leave lets it be for `resume`.")
    var onCancel: Release.OnCancel = .rollback

    @OptionGroup var store: StoreOptions
    @OptionGroup var who: ActorOptions

    func run() async throws {
        let clock = WallClock()
        let journal = try store.open(.drive, clock: clock)
        let found = try orFail { () throws(JournalFailure) in try journal.find(rollout) }
        guard found.outcome != nil else {
            throw CommandFailure(.taken, "\(found.id) is still under way; see `belay status \(found.id)`")
        }
        let plan = try orFail { () throws(JournalFailure) in try journal.machine(of: found.id) }.plan
        let survey = try await Release.survey(plan.target.haproxy, journal: journal)
        guard let share = survey.secondShare, Roles(secondShare: share) == plan.roles else {
            throw CommandFailure(
                .invalid,
                "\(plan.canary.name) has all traffic now, and the frozen plan of \(found.id) made it the canary; use `belay run`"
            )
        }
        for note in try await Release.tryMetrics(of: plan) { Console.say("note: \(note)") }
        let release = Release(journal: journal, clock: clock, reporter: Reporter(output: store.output))
        let status = try await release.start(
            plan, original: "\(share.basisPoints)", key: nil, timeout: nil, actor: who.person,
            reason: who.reason.isEmpty ? "retry of \(found.id)" : who.reason, onCancel: onCancel)
        throw ExitCode(status.rawValue)
    }
}
