internal import BelayCore
internal import BelayEngine
internal import BelayHTTP
internal import BelayJournal
internal import BelayMetrics
internal import BelayPlatform
internal import BelayRouters
internal import BelaySpec
internal import Foundation

/// Connects the engine's releases with what the commands have: the registry of targets, the journal, the servers,
/// signals and exit codes.
struct Release {
    enum OnCancel: String, CaseIterable {
        case rollback, leave
    }

    let journal: SQLiteJournal
    let clock: WallClock
    let reporter: Reporter
    var onCancel = OnCancel.rollback
    /// nil for commands that drive a rollout only in passing.
    var pipeline: Pipeline?

    /// - Parameter journal: nil where none can be read: nothing of ours is under way then.
    static func releases(_ journal: SQLiteJournal?) -> Releases {
        Releases(store: journal.map(SQLiteStore.init)) { [path = journal?.path] in Kits.kit(for: $0, store: path) }
    }

    static func request(_ spec: RolloutSpec) -> ReleaseRequest {
        ReleaseRequest(traffic: spec.releasedTraffic) { roles, identity throws(ReleaseRefusal) in
            do throws(SpecFailure) {
                var plan = try spec.plan(roles: roles, identity: identity)
                // A driver that takes over may be started in another folder, so every folder is made absolute now.
                for index in plan.metrics.indices {
                    plan.metrics[index].resolveDirectory()
                }
                plan.updateCommands { $0.directory = Self.absolute($0.directory) }
                return plan
            } catch {
                throw ReleaseRefusal(.mistakes, lines: CommandFailure(error).lines)
            }
        }
    }

    /// The absolute path of the folder in which a command runs; nil means the present folder.
    static func absolute(_ directory: String?) -> String {
        let here = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
        return URL(fileURLWithPath: directory ?? ".", relativeTo: here).standardized.path
    }

    /// The hash of what was resolved from the files; it is the same whichever side is stable.
    static func digest(of spec: RolloutSpec) throws(CommandFailure) -> String {
        do throws(SpecFailure) {
            return PlanDigest.of(try spec.plan(roles: Roles(canaryIsSecond: true), identity: ""))
        } catch {
            throw CommandFailure(error)
        }
    }

    /// Gives the body everything that metrics can ask, and shuts it down when the body has ended.
    static func asking<Result, Failure: Error>(
        _ body: (MetricProviders) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        let client = HTTPClient()
        defer { client.shutdown() }
        return try await body(MetricProviders(client: client, environment: ProcessInfo.processInfo.environment))
    }

    /// Records a new rollout and drives it to its end.
    func start(_ bound: BoundRelease, _ opening: ReleaseDrive.Opening) async throws(CommandFailure) -> ExitStatus {
        try await drive { drive throws(ReleaseRefusal) in
            try await drive.start(bound.plan, bound.survey, opening, clock: clock)
        }
    }

    /// Takes over a rollout that nobody drives.
    func resume(
        _ id: String, commands: [Command], isForced: Bool = false
    ) async throws(CommandFailure) -> ExitStatus {
        try await drive { drive throws(ReleaseRefusal) in
            try await drive.resume(id, commands: commands, isForced: isForced)
        }
    }

    private func drive(
        _ body: (ReleaseDrive) async throws(ReleaseRefusal) -> Engine.Result
    ) async throws(CommandFailure) -> ExitStatus {
        Console.dropWhenFull()
        CodePages.giveBack()
        let signalled = Locked<Int32?>(nil)
        let onCancel = onCancel
        let telling = Task { [reporter] in await reporter.keepTelling() }
        defer { telling.cancel() }
        let result = try await Self.asking { provider throws(CommandFailure) in
            let drive = ReleaseDrive(
                Self.releases(journal), store: SQLiteStore(journal), provider: provider, observer: reporter
            ) { engine in
                Signals.watch { number in
                    signalled.withLock { $0 = number }
                    switch onCancel {
                    case .rollback: engine.send(.cancelled(Signals.name(number)))
                    case .leave: engine.leave()
                    }
                }
            }
            return try await unlessRefused { () throws(ReleaseRefusal) in try await body(drive) }
        }
        let status: ExitStatus =
            switch result {
            case .left: .signal(signalled.withLock { $0 } ?? SIGTERM)
            case .ended(let end): ExitStatus(end)
            }
        reporter.end()
        if let id = reporter.rollout { pipeline?.tell(id, exit: status.rawValue, journal) }
        return status
    }
}

extension Metric {
    /// A command runs where the release was started, or where its file says, seen from there.
    fileprivate mutating func resolveDirectory() {
        guard case .command(var query) = source else { return }
        query.directory = Release.absolute(query.directory)
        source = .command(query)
    }
}
