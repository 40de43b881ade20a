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

    @Flag(help: "Print every measurement; else each change, and one summary a minute.") var verbose = false

    func validate() throws {
        // `--key "$BUILD_TAG"` with the variable unset: every such run would be taken for the same one.
        if let key, key.allSatisfy(\.isWhitespace) {
            throw ValidationError("--key is empty: is the variable behind it set?")
        }
    }

    func run() async throws {
        let spec = try spec.load()
        let clock = WallClock()
        let journal = try store.open(.drive, clock: clock)
        let release = Release(
            journal: journal, clock: clock, reporter: Reporter(output: store.output, isVerbose: verbose),
            onCancel: onCancel)
        if let key, let id = try orFail({ () throws(JournalFailure) in try journal.rollout(withKey: key) }) {
            return try await attach(to: id, key, spec, release)
        }
        let looking = Preflight.cancellable()
        let bound = try await unlessRefused { () throws(ReleaseRefusal) in
            let bound = try await Release.releases(journal).bind(Release.request(spec))
            try bound.checkCanServe()
            return bound
        }
        let notes = try await Release.asking { provider throws(CommandFailure) in
            let check = GateCheck(provider)
            let tried = try await unlessRefused { () throws(ReleaseRefusal) in
                try await check.tryMetrics(of: bound.plan)
            }
            return tried.notes + (await check.warnings(bound))
        }
        for note in bound.survey.remarks + notes { Console.say("note: \(note)") }
        looking.end()
        let opening = ReleaseDrive.Opening(
            key: key, digest: try Release.digest(of: spec), timeout: timeout, actor: who.person, reason: who.reason)
        do {
            let status = try await release.start(bound, opening)
            throw ExitCode(status.rawValue)
        } catch let failure as CommandFailure {
            // Another run of the same key may have been quicker between our look and our record.
            guard let key, let id = try orFail({ () throws(JournalFailure) in try journal.rollout(withKey: key) })
            else { throw failure }
            try await attach(to: id, key, spec, release)
        }
    }

    /// The first run of this key is over, is driven by a living process, or has to be picked up.
    private func attach(to id: String, _ key: String, _ spec: RolloutSpec, _ release: Release) async throws {
        let machine = try orFail { () throws(JournalFailure) in try release.journal.machine(of: id) }
        try Self.check(machine, isOf: spec, id, key)
        let started = machine.started
        Console.say(
            "\(id): attaching to the run of this key: \(started.plan.name) \(started.plan.revision), started by \(started.actor.words)"
        )
        if case .finished(let outcome) = machine.state.phase {
            Console.say("\(id) is over: \(EventText(plan: started.plan).line(.finished(outcome))?.text ?? "")")
            throw ExitCode(ExitStatus(outcome).rawValue)
        }
        let holder = try orFail { () throws(JournalFailure) in try release.journal.holder(of: id) }
        if let holder, holder.isLive(at: release.clock.now) {
            Console.say("\(id): \(holder.process.text) drives it; waiting for its end")
            throw ExitCode(try await follow(id, release).rawValue)
        }
        throw ExitCode(try await release.resume(id, commands: []).rawValue)
    }

    /// A key that was used for something else would be answered with an outcome that is not this release's.
    private static func check(
        _ machine: RolloutMachine, isOf spec: RolloutSpec, _ id: String, _ key: String
    ) throws(CommandFailure) {
        let earlier = machine.plan
        var differences: [String] = []
        if earlier.name != spec.name { differences.append("the name, \(earlier.name) then and \(spec.name) now") }
        if earlier.revision != spec.revision {
            differences.append("the revision, \(earlier.revision) then and \(spec.revision) now")
        }
        if differences.isEmpty, let digest = machine.started.digest, digest != (try Release.digest(of: spec)) {
            differences.append("the files: strategy, target or gates are not what they were")
        }
        guard !differences.isEmpty else { return }
        throw CommandFailure(
            .invalid,
            "the key \(key) was used for \(id), and something else is asked now: \(differences.joined(separator: "; "))",
            "a key is one release's own: its build's number, say; nothing was touched")
    }

    /// Waits for a rollout that another process drives; a cancelled job says to it what `--on-cancel` says.
    private func follow(_ id: String, _ release: Release) async throws -> ExitStatus {
        let (journal, clock, who, onCancel) = (release.journal, release.clock, who, onCancel)
        let signalled = Locked<Int32?>(nil)
        let watch = Signals.watch { number in
            guard
                signalled.withLock({ first in
                    defer { first = first ?? number }
                    return first == nil
                })
            else { return }
            let words = "the attached job was cancelled (\(Signals.name(number)))"
            guard onCancel == .rollback else {
                Console.say("\(id): \(words); left as it is, its driver goes on")
                Console.exit(.signal(number))
            }
            Console.say("\(id): \(words): aborting it")
            let abort = Command(
                id: RolloutID.make(name: "cancel", at: clock.now), verb: .abort, actor: who.person, reason: words,
                aimedAt: nil)
            do throws(JournalFailure) {
                try journal.send(abort, to: id)
            } catch {
                Console.say("\(id): the abort could not be sent: \(error.message)")
            }
        }
        let status = try await Waiting(journal: journal, clock: clock)
            .wait(id, for: .finished(stopsForPeople: false), timeout: nil)
        withExtendedLifetime(watch) {}
        return status
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

    @Flag(help: "Print every measurement; else each change, and one summary a minute.") var verbose = false
    @OptionGroup var store: StoreOptions
    @OptionGroup var who: ActorOptions

    func run() async throws {
        let clock = WallClock()
        let journal = try store.open(.drive, clock: clock)
        let meant = try Operation.meant(by: rollout, in: journal)
        // With none under way the latest one's outcome is the answer.
        let found = try meant ?? orFail { () throws(JournalFailure) in try journal.find(nil) }
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
        let release = Release(
            journal: journal, clock: clock, reporter: Reporter(output: store.output, isVerbose: verbose),
            onCancel: onCancel)
        throw ExitCode(try await release.resume(found.id, commands: commands).rawValue)
    }
}

struct RetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry", abstract: "Start a new rollout of the same frozen plan.")

    @Argument(help: "The rollout's id, or a name: its latest rollout.")
    var rollout: String?

    @Option(help: "On SIGINT, SIGTERM or SIGHUP: rollback takes the traffic back, leave lets it be for `resume`.")
    var onCancel: Release.OnCancel = .rollback

    @Flag(help: "Print every measurement; else each change, and one summary a minute.") var verbose = false
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
        let looking = Preflight.cancellable()
        let bound = try await unlessRefused { () throws(ReleaseRefusal) in
            try await Release.releases(journal).bindAgain(plan, of: found.id)
        }
        let tried = try await Release.asking { provider throws(CommandFailure) in
            try await unlessRefused { () throws(ReleaseRefusal) in try await GateCheck(provider).tryMetrics(of: plan) }
        }
        for note in bound.survey.remarks + tried.notes { Console.say("note: \(note)") }
        looking.end()
        let release = Release(
            journal: journal, clock: clock, reporter: Reporter(output: store.output, isVerbose: verbose),
            onCancel: onCancel)
        let status = try await release.start(
            bound,
            .init(actor: who.person, reason: who.reason.isEmpty ? "retry of \(found.id)" : who.reason))
        throw ExitCode(status.rawValue)
    }
}
