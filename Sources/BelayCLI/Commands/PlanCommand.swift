internal import ArgumentParser
internal import BelayCore
internal import BelayEngine
internal import BelayJournal
internal import BelaySpec

struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Show what a run would do against the live router: every write. Changes nothing."
    )
    @OptionGroup var spec: SpecOptions
    @OptionGroup var store: StoreOptions

    func run() async throws {
        Signals.unblock()
        let spec = try await spec.load()
        let journal = try? store.open(.operate)  // Without one nothing of ours is under way.
        var notes: [String] = []
        let (releases, request) = (Release.releases(journal), Release.request(spec))
        let bound: BoundRelease
        do throws(ReleaseRefusal) {
            bound = try await releases.bind(request)
        } catch {
            guard error.kind == .taken else { throw CommandFailure(error) }
            // What a release would do once the present one is over can be shown all the same.
            notes = ["`run` will refuse this now:"] + error.lines.map { "  \($0)" } + [""]
            bound = try await unlessRefused { () throws(ReleaseRefusal) in try await releases.bindBusy(request) }
        }
        if let dead = bound.deadCanary {
            notes.append("`run` will refuse this: the canary's side cannot serve: \(dead)")
        }
        let outlooks = await Release.asking { provider in
            (await GateCheck(provider).outlooks(of: bound))
        }
        let looks = await Release.asking { provider in await GateCheck(provider).looks(at: bound.plan) }
        let text = PlanText(bound: bound, notes: spec.notes, outlooks: outlooks)
        func section(_ title: String, _ lines: [String]) -> [String] {
            lines.isEmpty ? [] : ["", title] + lines.map { "  \($0)" }
        }
        let gates = section("the gates answer now:", looks.answers) + section("the queries:", looks.notes)
        text.print(store.output, refusals: notes, after: gates)
    }
}
