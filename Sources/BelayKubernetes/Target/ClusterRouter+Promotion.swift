internal import BelayCore
internal import BelayEngine
internal import BelayPlatform

/// The end of a release: the last look, and everything of Belay's goes.
extension ClusterRouter {
    func release(_ mark: OwnerMark, after ending: Work.Ending) async -> String? {
        state.withLock { $0.isReleasing = true }
        do {
            let reading = await reading()
            if let complaint = reading.complaint { return complaint }
            let share: Weight
            switch ending {
            case .wayBack: share = .zero
            case .adoption: share = target.comesHome ? .zero : .full
            }
            guard reading.reading.confirms(TrafficWrite(share: share, kind: .forward)) else {
                return "the last look did not show \(share == .zero ? "stable" : "the canary") at 100 %"
            }
            if Task.isCancelled { return "the driver is leaving" }
            if case .adoption = ending, let why = try await objectionToPromotion() { return why }
            try await marks.giveBack(try facts().autoscalers, rollout: mark.rollout)
            // A clone that could not be stopped keeps its mark: the next release takes it away.
            for deployment in try facts().deployments where deployment.name != target.cloneName {
                try await marks.leave(.deployments(namespace), deployment.name, rollout: mark.rollout)
            }
            try await marks.leave(.services(namespace), target.service, rollout: mark.rollout)
            try await marks.remove(mark)
            return nil
        } catch {
            return Self.words(error)
        }
    }

    /// Why the end would be no promotion: stable has lost the new version since it came home.
    private func objectionToPromotion() async throws -> String? {
        guard target.comesHome else { return nil }
        let own = try facts().deployments[stableIndex]
        guard let stable = try await eye.get().deployment(own.name) else { return "Deployment `\(own.name)` is gone" }
        if try clone().isNew(stable, side: stableIndex) { return nil }
        return "`\(own.name)` does not have the new version any more\(Self.writer(of: stable, Self.templateField))"
    }
}
