internal import BelayCore

/// Carries out the driver's jobs: writes and readings of the router, actions, and measurements.
extension Engine {
    /// - Parameters:
    ///   - back: For a comparison or a judge, how far back its samples are asked for.
    ///   - asked: The share in force during a measurement's whole window.
    ///   - moment: When all the jobs of this turn of the loop begin.
    func perform(_ attempt: Driver.Attempt, back: Duration?, asked: Double?, at moment: Timestamp) async {
        let input: Input
        switch attempt.job {
        case .traffic(let write):
            let (reading, result) = await setup.router.write(
                write, number: attempt.number, under: setup.mark, isOurs: { await self.isOurs() })
            input = .wrote(write, reading, result)
        case .action(let action): input = .acted(action.run, await perform(action))
        case .measure(let index):
            guard let back, metrics[index].judge == nil else {
                input = await measure(index, back: back, asked: asked, at: moment)
                break
            }
            let answer = await setup.provider.counters(metrics[index], back: back, at: moment)
            let counted = Counted(metric: index, answer: answer, startedAt: moment, finishedAt: setup.clock.now)
            return inbox.post(.counted(attempt, counted))
        case .read: input = .read(await setup.router.read())
        }
        inbox.post(.result(attempt, input))
    }

    private func perform(_ action: Work.Action) async -> ActionAnswer {
        switch action.deed {
        case .claim(_, let kind, let stable):
            return .claimed(await setup.router.claim(mark(stable), kind, superseding: setup.superseding))
        case .handOver(let side):
            switch await setup.router.claim(mark(side), .closing, superseding: setup.superseding) {
            case .ours(_, wasMarked: false):
                return .ended(error: "the mark at the target is gone: a person returned the traffic")
            case .ours(let reading, _) where reading.departs(from: .full):
                return .ended(error: "not all of the traffic is there")
            case .ours: return .ended(error: nil)
            case .taken(let holder): return .ended(error: "the target belongs to \(holder)")
            case .failed(let message): return .ended(error: message)
            }
        case .drain(let side, let wait):
            if wait > .zero { try? await setup.clock.sleep(for: wait) }
            await setup.router.drain(side)
            return .ended(error: nil)
        case .release(let ending): return .ended(error: await setup.router.release(setup.mark, after: ending))
        case .command(let command):
            guard await isStillOurs() else { return .ended(error: Self.notOurs) }
            let error = await setup.actions.perform(command, as: action.run, of: setup.lease.rollout)
            CrashPoint.afterAction.reached()
            return .ended(error: error)
        case .own(_, let limit):
            guard await isStillOurs() else { return .ended(error: Self.notOurs) }
            let error = await setup.router.perform(action.run, within: limit, under: setup.mark)
            CrashPoint.afterAction.reached()
            return .ended(error: error)
        }
    }

    private static let notOurs =
        "it was not begun: the lease is another driver's, or the journal has not answered for "
        + Driver.journalPatience.text

    private func mark(_ stable: Side) -> OwnerMark {
        var mark = setup.mark
        mark.stable = stable.name
        return mark
    }

    /// The last check before a program begins: another driver may have taken over while this process was suspended. A
    /// disk that is slow, but answers within `Driver.journalPatience`, does not make the program fail.
    private func isStillOurs() async -> Bool {
        let end = setup.clock.now.advanced(by: Driver.journalPatience)
        while await !isOurs() {
            guard setup.clock.now < end, (try? await setup.clock.sleep(for: .milliseconds(250))) != nil else {
                return false
            }
        }
        return true
    }

    private func measure(_ index: Int, back: Duration?, asked: Double?, at moment: Timestamp) async -> Input {
        let taken = await gauges[index].measure(setup.provider, back: back, asked: asked, at: moment)
        return .measured(
            Measurement(
                metric: index, phase: taken.phase, value: taken.value, message: taken.message, startedAt: moment,
                finishedAt: setup.clock.now, sampledAt: taken.age.map { moment.advanced(by: .zero - $0) },
                requests: taken.requests))
    }
}
