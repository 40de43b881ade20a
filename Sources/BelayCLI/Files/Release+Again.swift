internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelayPlatform

/// Releases of a plan that was released before.
extension Release {
    /// Starts a new rollout of the frozen plan of one that is over, and drives it to its end.
    /// - Parameters:
    ///   - plan: Before it is bound to the target as it is now.
    ///   - id: Of the one that is over.
    ///   - reason: Before the one that a person gives.
    /// - Throws: Always: ``CommandFailure``, or the exit code of the rollout.
    func startAgain(_ plan: Plan, of id: String, _ who: ActorOptions, because reason: String) async throws {
        let looking = Preflight.cancellable()
        let bound = try await unlessRefused { () throws(ReleaseRefusal) in
            try await Self.releases(journal).bindAgain(plan, of: id)
        }
        let tried = try await Self.asking { provider throws(CommandFailure) in
            try await unlessRefused { () throws(ReleaseRefusal) in
                try await GateCheck(provider).tryMetrics(of: bound.plan)
            }
        }
        for note in bound.survey.remarks + tried.notes { Console.say("note: \(note)") }
        looking.end()
        let status = try await start(
            bound, .init(actor: who.person, reason: who.reason.isEmpty ? reason : "\(reason): \(who.reason)"))
        throw ExitCode(status.rawValue)
    }
}
