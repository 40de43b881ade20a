internal import BelayCore
internal import BelayKubernetes
internal import BelaySpec

/// What `doctor` says of a cluster, and the Role that it prints.
struct ClusterChecks {
    private let spec: RolloutSpec
    private let target: ClusterTarget

    init(_ spec: RolloutSpec, _ target: ClusterTarget) { (self.spec, self.target) = (spec, target) }

    /// The service account that the Role is bound to.
    private static let account = "belay"

    /// - Throws: ``CommandFailure`` where no namespace is named, neither in the file nor in the context.
    func role() throws(CommandFailure) -> String {
        let namespace: String
        if let named = target.namespace { namespace = named } else { namespace = try access().namespace }
        return ClusterRights(target, namespace: namespace).role(named: "belay-\(spec.name)", boundTo: Self.account)
    }

    /// One result for each part that was looked at, in their order.
    func results() async -> [(String, Result<String, CommandFailure>)] {
        let access: ClusterAccess
        do throws(CommandFailure) {
            access = try self.access()
        } catch {
            return [("cluster", .failure(error))]
        }
        let client = KubernetesClient(
            access, read: { try ClusterAccess.readFile($0) }, note: { Console.say("server: \($0)") })
        defer { client.shutdown() }
        let survey: ClusterSurvey
        do {
            survey = try await ClusterDoctor(client, target).survey()
        } catch {
            return [("cluster", .failure(CommandFailure(.unreachable, "the look at the cluster was cut off")))]
        }
        return ClusterSurvey.Part.allCases.compactMap { part in
            if let problems = survey.problems[part] {
                let lines = problems.map { problem in
                    problem.place.map { "\(spec.place(of: $0)): \(problem.message)" } ?? problem.message
                }
                let found = survey.notes[part].map { ["found: \($0.joined(separator: "; "))"] } ?? []
                let isAway = problems.contains(where: \.isUnreachable)
                return (part.rawValue, .failure(CommandFailure(isAway ? .unreachable : .invalid, lines: lines + found)))
            }
            return survey.notes[part].map { (part.rawValue, .success($0.joined(separator: "; "))) }
        }
    }

    /// Who is reached, and as whom: the kubeconfig's context, else the pod's own service account.
    private func access() throws(CommandFailure) -> ClusterAccess {
        do throws(KubernetesError) {
            return try ClusterAccess.find(context: target.context)
        } catch {
            throw CommandFailure(.invalid, "\(spec.place(of: "workload.kubernetes.context")): \(error.message)")
        }
    }
}
