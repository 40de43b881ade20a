extension Plan {
    /// The program behind an action; nil for those that the target does by itself.
    package func command(for run: ActionRun) -> CommandAction? {
        let workload = target.workload.command
        return switch (run.kind, run.list) {
        case (.deploy, _): workload?.deploy
        case (.awaitReady, _): workload?.awaitReady
        case (.adopt, _): workload?.adopt
        case (.retire, .back): workload?.retireCanary
        case (.retire, _): workload?.retire
        case (.hook, .step(let step)) where steps.indices.contains(step): steps[step].run
        case (.claim, _), (.handOver, _), (.drain, _), (.release, _), (.hook, _): nil
        }
    }

    /// What the target does by itself, and may take long over.
    package func isOwn(_ run: ActionRun) -> Bool {
        guard let managed = target.workload.managed else { return false }
        return switch run.kind {
        case .deploy, .awaitReady, .adopt, .retire: true
        case .handOver: managed.comesHome
        case .claim, .hook, .drain, .release: false
        }
    }

    /// Whether the action may take long: a program of the user's, or the target's own work.
    package func takesLong(_ run: ActionRun) -> Bool { command(for: run) != nil || isOwn(run) }

    /// How long it may take at most; nil for what ends within seconds.
    package func limit(of run: ActionRun) -> Duration? {
        if let command = command(for: run) { return command.timeout }
        if wait(before: run) > .zero { return wait(before: run) + .seconds(60) }
        guard isOwn(run) else { return nil }
        return switch run.kind {
        // Pods have to become ready.
        case .awaitReady, .adopt: progressDeadline
        case .deploy, .handOver, .retire, .claim, .hook, .drain, .release: .seconds(60)
        }
    }

    /// How long a canary that has lost its traffic stays as it is before an action takes it away.
    package func wait(before run: ActionRun) -> Duration {
        guard case (.drain, .back) = (run.kind, run.list) else { return .zero }
        return target.workload.managed?.keepCanary ?? .zero
    }

    /// After the adoption all traffic returns to the side that was stable, which has the new revision then.
    package var comesHome: Bool { target.workload.managed?.comesHome ?? false }

    /// What follows where a driver ended while this action ran. An action without a program of the user's is done
    /// again. Only a person may pass over an adoption that may have failed, so for `adopt` the answer `fail` becomes
    /// `ask`.
    package func onCrash(of run: ActionRun) -> CommandAction.OnCrash {
        guard let command = command(for: run) else { return .rerun }
        return run.kind == .adopt && command.onCrash == .fail ? .ask : command.onCrash
    }

    /// An action in words: `the hook of step 2 (./smoke.sh green)`.
    package func words(for run: ActionRun) -> String {
        let program = command(for: run).map { " (\($0.words))" } ?? ""
        return switch run.kind {
        case .claim: "marking the target"
        case .handOver where comesHome: "bringing the traffic back to \(stable.name), which has the new revision"
        case .handOver: "naming \(canary.name) as stable at the target"
        case .deploy: "the deployment\(program)"
        case .awaitReady: "the wait until \(canary.name) is ready\(program)"
        case .hook:
            if case .step(let step) = run.list {
                "the hook of step \(step + 1)\(program)"
            } else {
                "the hook\(program)"
            }
        case .adopt: "the adoption\(program)"
        case .drain where wait(before: run) > .zero:
            "draining \(idle(after: run.list).name), which stays without traffic for \(wait(before: run).text) at most"
        case .drain: "draining \(idle(after: run.list).name)"
        case .retire: "retiring \(idle(after: run.list).name)\(program)"
        case .release: "taking the mark away"
        }
    }

    /// The side that has no traffic any more when a closing list has moved it.
    package func idle(after list: ActionList) -> Side { list == .back || comesHome ? canary : stable }

    /// Changes every program of the plan.
    package mutating func updateCommands(_ change: (inout CommandAction) -> Void) {
        for index in steps.indices { if steps[index].run != nil { change(&steps[index].run!) } }
        guard case .command(var workload) = target.workload else { return }
        for path in CommandWorkload.all where workload[keyPath: path] != nil { change(&workload[keyPath: path]!) }
        target.workload = .command(workload)
    }
}
