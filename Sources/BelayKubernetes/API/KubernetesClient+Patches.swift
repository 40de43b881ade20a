package import BelayCore

/// Patches that only count where the object is as it is thought to be.
extension KubernetesClient {
    /// What became of such a patch.
    package enum Tested: Sendable {
        /// The object as it is now.
        case done(JSONValue)
        /// A `test` did not hold, or its place is missing: the object as it was read afterwards; nil where it is gone.
        case refused(present: JSONValue?)
    }

    /// Sends a JSON patch with tests. The server tells a test that fails and a place that is missing alike, and says nothing of
    /// either, so the object is read again before anybody judges.
    /// - Parameter timeout: For each of the two calls.
    /// - Throws: ``KubernetesError`` for whatever else becomes of it; `.conflict` where the patch names a resource version.
    package func patchTested(
        _ path: ResourcePath, _ name: String, _ patch: JSONValue, isDryRun: Bool = false,
        timeout: Duration = .seconds(10)
    ) async throws -> Tested {
        do {
            return .done(try await self.patch(path, name, .json, patch, isDryRun: isDryRun, timeout: timeout).body)
        } catch let error as KubernetesError where error.kind == .testFailed {
            do {
                return .refused(present: try await get(path, name, timeout: timeout))
            } catch let error as KubernetesError where error.kind == .notFound {
                return .refused(present: nil)
            }
        }
    }
}
