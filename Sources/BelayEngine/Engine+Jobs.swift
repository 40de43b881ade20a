internal import BelayAnalysis
internal import BelayCore

/// The jobs: what is done at the router and asked of the metrics.
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
        case .action(.claim(_, let kind)):
            input = .claimed(await setup.router.claim(setup.mark, kind, superseding: setup.superseding))
        case .action(.release(let ending)):
            input = .released(error: await setup.router.release(setup.mark, after: ending))
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

    private func measure(_ index: Int, back: Duration?, asked: Double?, at moment: Timestamp) async -> Input {
        let taken = await gauges[index].take(setup.provider, back: back, asked: asked, at: moment)
        return .measured(
            Measurement(
                metric: index, phase: taken.phase, value: taken.value, message: taken.message, startedAt: moment,
                finishedAt: setup.clock.now, sampledAt: taken.age.map { moment.advanced(by: .zero - $0) },
                requests: taken.requests))
    }

    func reach(of job: Driver.Job, at now: Timestamp, _ machine: RolloutMachine) -> Duration? {
        guard case .measure(let index) = job else { return nil }
        if let judge = metrics[index].judge { return judge.reach(at: now, machine, window: metrics[index].window) }
        return Comparator.reach(of: index, at: now, machine)
    }

    func asked(of job: Driver.Job, at now: Timestamp, _ machine: RolloutMachine) -> Double? {
        guard case .measure(let index) = job else { return nil }
        return machine.shareDuringWindow(of: index, at: now).map { Double($0.basisPoints) / 10_000 }
    }
}
