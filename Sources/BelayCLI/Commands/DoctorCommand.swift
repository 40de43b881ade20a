internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform
internal import BelaySpec

struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check reachability and rights: the journal, and a file's router and metrics, or its cluster.")
    @Argument(help: "A rollout's file.") var file: String?
    @OptionGroup var store: StoreOptions
    @Flag(
        name: .customLong("rbac"), help: "Print the smallest Role that a release of the file needs, and check nothing.")
    var printsRole = false

    func run() async throws {
        Signals.unblock()
        var failed: [CommandFailure] = []
        func show(_ what: String, isGood: Bool, _ lines: [String]) {
            guard store.output == .json else {
                for line in lines { Console.print("\(isGood ? "ok   " : "FAIL ") \(what): \(line)") }
                return
            }
            Console.print(
                JSONText.write(
                    .object([
                        .init("check", .string(what)), .init("ok", .bool(isGood)),
                        .init("messages", .array(lines.map { .string($0) })),
                    ])))
        }
        func check(_ what: String, _ body: () async throws -> String) async {
            do {
                show(what, isGood: true, [try await body()])
            } catch let failure as CommandFailure {
                failed.append(failure)
                show(what, isGood: false, failure.lines)
            } catch {
                failed.append(CommandFailure(.failure, "\(error)"))
                show(what, isGood: false, ["\(error)"])
            }
        }
        if printsRole, file == nil { throw CommandFailure(.usage, "--rbac needs a rollout's file") }
        if !printsRole {
            await check("journal") {
                let journal = try store.open(.drive)
                return "\(journal.path), writable, undamaged"
            }
        }
        if let file {
            let loaded: Result<RolloutSpec, any Error>
            do {
                loaded = .success(try await SpecOptions.parse([file, "--revision", "doctor"]).loadAny())
            } catch {
                loaded = .failure(error)
            }
            if printsRole { _ = try loaded.get() }
            if !printsRole { await check("file") { "\(try loaded.get().name): no mistakes" } }
            if case .success(let spec) = loaded, let cluster = spec.cluster {
                let doctor = ClusterChecks(spec, cluster)
                if printsRole { return Console.print(try doctor.role()) }
                for (what, result) in await doctor.results() { await check(what) { try result.get() } }
            } else if printsRole {
                throw CommandFailure(.usage, "--rbac: \(file) names no cluster")
            } else if case .success(let spec) = loaded {
                await check("router") {
                    let (releases, request) = (Release.releases(nil), Release.request(spec))
                    do throws(ReleaseRefusal) {
                        let bound = try await releases.bind(request)
                        try bound.checkCanServe()
                        return bound.survey.notes.joined(separator: "; ")
                    } catch {
                        guard error.kind == .taken else { throw CommandFailure(error) }
                        let bound = try await unlessRefused { () throws(ReleaseRefusal) in
                            try await releases.bindBusy(request)
                        }
                        return (["a release is under way"] + bound.survey.notes).joined(separator: "; ")
                    }
                }
                // The rights are checked while a release is under way, too, or nobody would find out before the next
                // one.
                await check("rights") {
                    let survey = await Kits.kit(for: spec.traffic).survey()
                    guard survey.missingRights.isEmpty else {
                        throw CommandFailure(.invalid, lines: survey.missingRights)
                    }
                    return survey.rights.joined(separator: "; ")
                }
                if let plan = try? spec.plan(roles: Roles(canaryIsSecond: true), identity: "") {
                    await check("metrics") {
                        let (answers, notes) = try await Release.asking { provider throws(CommandFailure) in
                            try await unlessRefused { () throws(ReleaseRefusal) in
                                try await GateCheck(provider).tryMetrics(of: plan)
                            }
                        }
                        return answers.isEmpty ? "no gates to ask" : (answers + notes).joined(separator: "; ")
                    }
                }
            }
        }
        if let first = failed.first { throw ExitCode(first.code.rawValue) }
    }
}
