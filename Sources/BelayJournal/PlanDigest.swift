package import BelayCore
internal import BelayEngine
internal import BelayPlatform

/// What was resolved from a release's files, as one hash: name, revision, target, strategy and gates, with every
/// template taken in. The roles change with each promotion, so the hash is always taken with the first side as stable.
package enum PlanDigest {
    /// - Parameter plan: Compiled with the first side as stable, whatever is stable now.
    package static func of(_ plan: Plan) -> String {
        let payload = JSONText.write(StoredPlan.encode(plan))
        return Chain.text(Chain.hash(after: [], rollout: "", position: 0, time: 0, name: "plan", payload: payload))
    }
}
