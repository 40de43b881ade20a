package import BelayCore
internal import BelayPlatform

/// An API server of Kubernetes in memory, for tests and for trying things out, with enough of the controllers behind it to release
/// a Deployment: ReplicaSets, pods that become ready or crash, EndpointSlices, Jobs, quotas.
///
/// What it does and what it does not is in `docs/kubernetes-double.md`; recordings of a real server of version 1.36 keep it honest.
/// Time stands still between calls of ``advance(by:)``.
package final class KubernetesDouble: Sendable {
    private let cluster: Locked<Cluster>

    /// - Parameter now: The cluster's clock at the beginning.
    package init(now: Timestamp) { cluster = Locked(Cluster(now: now)) }

    /// Answers a request.
    /// - Parameter certificate: Whom the client's certificate names; a bearer token counts before it.
    package func answer(_ request: APIRequest, certificate: Identity? = nil) -> APIResponse {
        cluster.withLock { cluster in
            cluster.observer?(request)
            return cluster.answer(request, certificate: certificate)
        }
    }

    /// Shows every request before it is answered.
    package func observe(_ body: @escaping @Sendable (APIRequest) -> Void) { cluster.withLock { $0.observer = body } }

    /// All objects of a kind as they are stored.
    package func objects(_ kind: String, _ namespace: String?) -> [JSONValue] {
        cluster.withLock { $0.store.list($0.type(ofKind: kind), namespace) }
    }

    /// Lets time pass: controllers work, pods become ready, watches end.
    package func advance(by duration: Duration) { cluster.withLock { $0.advance(by: duration) } }

    /// Lets every controller do one thing, so that a test can see what is in between.
    package func work() { cluster.withLock { $0.runController() } }

    /// The cluster's clock.
    package var now: Timestamp { cluster.withLock { $0.now } }

    /// Who comes with that token.
    package func know(_ identity: Identity, byToken token: String) { cluster.withLock { $0.tokens[token] = identity } }

    /// Nobody comes with that token any more.
    package func forgetToken(_ token: String) { cluster.withLock { $0.tokens[token] = nil } }

    /// One more kind of object, as a CustomResourceDefinition would make it.
    package func install(_ type: ResourceType) { cluster.withLock { $0.types.append(type) } }

    /// Refuses what the body has words against.
    package func admit(_ body: @escaping @Sendable (ResourceType, JSONValue) -> String?) {
        cluster.withLock { $0.admissions.append(body) }
    }

    /// As after a compaction and a restart: nobody can go on from an older revision.
    package func forget() { cluster.withLock { $0.store.forget() } }

    /// The rules that pods follow.
    package func setPods(_ change: @Sendable (inout PodWorld) -> Void) { cluster.withLock { change(&$0.pods) } }

    /// Ends every watch, as a server does that goes away.
    package func cutWatches() {
        cluster.withLock { cluster in
            for watch in cluster.store.watches { watch.end() }
            cluster.store.watches = []
        }
    }

    /// How many watches have been begun so far.
    package var watchesBegun: Int { cluster.withLock { $0.watchesBegun } }

    /// An object as it is stored; nil where there is none.
    package func object(_ kind: String, _ namespace: String?, _ name: String) -> JSONValue? {
        cluster.withLock { $0.store.get($0.type(ofKind: kind), namespace, name) }
    }
}
