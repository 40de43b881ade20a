internal import BelayCore

/// Checks what must hold of the user's programs, on the world's own truth: what ran, and what the journal said at that
/// time.
struct ProgramLaws {
    private struct Place: Hashable {
        let kind: ActionKind
        let list: ActionList
    }

    /// What is true at the moment at which a program begins.
    struct Seen {
        /// The last hold is over by the record.
        let isAdopted: Bool
        /// The way back has begun, by the record.
        let isReturning: Bool
        /// Whether all traffic is on stable, or on the canary, by the router itself.
        let isAllStable: Bool
        let isAllCanary: Bool
        /// What the target itself does, in the words that a program has for it.
        let ownWords: [String]
    }

    /// Tries whose beginning is durable.
    private var begun: Set<ActionRun> = []
    /// Programs that ran and may not run again, as things stand.
    private var spent: Set<Place> = []
    /// The program that nobody saw end, and that a person is asked about.
    private var interrupted: Place?
    private var done: Set<Place> = []
    /// Lists in which a version's retirement has really begun.
    private var retired: Set<ActionList> = []

    /// - Returns: The law that this beginning breaks, and how; nil where it breaks none.
    mutating func begin(
        _ run: ActionRun, _ command: CommandAction?, _ seen: Seen
    ) -> (law: Int, String)? {
        if !begun.contains(run) { return (1, "\(run.kind.rawValue) ran before its beginning was durable") }
        switch command?.arguments ?? seen.ownWords {
        case ["retire", "stable"] where !seen.isAdopted: return (3, "stable was retired before the last hold was over")
        case ["retire", "stable"] where !seen.isAllCanary: return (3, "stable was retired while it had traffic")
        case ["retire", "canary"] where !seen.isAllStable: return (3, "the canary was retired while it had traffic")
        default: break
        }
        if seen.isReturning, run.list != .back { return (3, "\(run.kind.rawValue) began after the way back") }
        if run.kind == .retire { retired.insert(run.list) }
        let place = Place(kind: run.kind, list: run.list)
        if !spent.insert(place).inserted { return (1, "\(run.kind.rawValue) ran twice, and nobody had said so") }
        return nil
    }

    mutating func note(_ event: Event, _ world: SimulatedWorld) {
        switch event {
        case .actionBegan(let run): begun.insert(run)
        case .actionEnded(let run, let end):
            guard world.plan.takesLong(run) else { return }
            let place = Place(kind: run.kind, list: run.list)
            switch end {
            case .done, .assumed:
                done.insert(place)
                if end == .assumed { world.census.note(.assumed) }
            case .failed: if run.list.isClosing { spent.remove(place) }
            case .interrupted:
                world.census.note(.programInterrupted)
                switch world.plan.onCrash(of: run) {
                case .rerun: spent.remove(place)
                case .fail: done.insert(place)  // In a closing list it is left; before that the traffic goes back.
                case .ask:
                    world.census.note(.asked)
                    interrupted = place
                }
            }
        case .obeyed(let command):
            guard let place = interrupted else { return }
            switch command.verb {
            case .rerun:
                spent.remove(place)
                interrupted = nil
                world.census.note(.answered)
            case .promote: interrupted = nil
            case .pause, .resume, .approve, .deny, .skip, .abort: break
            }
        default: break
        }
    }

    /// Why the canary may not have that share yet.
    func objection(toStep step: Int, _ share: Weight, _ plan: Plan) -> String? {
        let workload = plan.target.workload.command
        let isManaged = plan.target.workload.managed != nil
        if workload?.deploy != nil || isManaged, !done.contains(Place(kind: .deploy, list: .opening)) {
            return "\(share.text) took effect before the deployment was done"
        }
        if workload?.awaitReady != nil || isManaged, !done.contains(Place(kind: .awaitReady, list: .opening)) {
            return "\(share.text) took effect before the new version was ready"
        }
        if plan.steps[step].run != nil, share == plan.share(ofStep: step),
            step == 0 || share > plan.share(ofStep: step - 1), !done.contains(Place(kind: .hook, list: .step(step)))
        {
            return "\(share.text) took effect before the hook of its step was done"
        }
        return nil
    }

    /// Why the end may not come yet: a version that the target itself brought up and nobody has stopped, or tried to.
    func objectionToEnd(_ plan: Plan) -> String? {
        guard plan.target.workload.managed != nil, begun.contains(where: { $0.kind == .deploy }) else { return nil }
        let isStopped = [ActionList.forward, .back].contains { list in retired.contains(list) }
        return isStopped ? nil : "the end has come, and the version without traffic still runs"
    }

    /// Whether stable has the new version.
    var isAdopted: Bool { done.contains(Place(kind: .adopt, list: .forward)) }

    func objectionToPromotion(_ plan: Plan) -> String? {
        guard plan.target.workload.command?.adopt != nil || plan.comesHome else { return nil }
        return done.contains(Place(kind: .adopt, list: .forward)) ? nil : "promoted, and never adopted"
    }
}
