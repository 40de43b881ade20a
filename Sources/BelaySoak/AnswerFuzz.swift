import BelayAnalysis
import BelayCore
import BelayKubernetes
import BelayPlatform

/// Answers of an API server with bytes changed, cut into pieces as a network cuts them: whatever reads them may refuse them, and
/// may not crash, hang or keep more than a line.
struct AnswerFuzz {
    /// What became of them; each has to occur.
    private var (refused, events, statuses, credentials, configs) = (0, 0, 0, 0, 0)
    private var random: SplitMix64

    init(seed: UInt64) { random = SplitMix64(seed: seed) }

    var text: String {
        "answers: \(events) events, \(statuses) refusals of a server, \(credentials) credentials, \(configs) kubeconfigs; \(refused) not readable"
    }

    var isWhole: Bool { [refused, events, statuses, credentials, configs].allSatisfy { $0 > 0 } }

    mutating func run(_ count: Int) {
        for _ in 0..<count {
            let sample = Self.samples[below(Self.samples.count)]
            var bytes = Array(sample.utf8)
            for _ in 0..<below(6) { mutate(&bytes) }
            examine(bytes)
        }
    }

    private mutating func below(_ limit: Int) -> Int { random.below(max(limit, 1)) }

    private mutating func mutate(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return }
        let at = below(bytes.count)
        switch below(6) {
        case 0: bytes[at] = UInt8(below(256))
        case 1: bytes.removeSubrange(at..<min(bytes.count, at + 1 + below(20)))
        case 2: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 1 + below(40))], at: below(bytes.count))
        case 3:
            bytes.insert(
                contentsOf: Array(repeating: Self.brackets[below(Self.brackets.count)], count: below(100)), at: at)
        case 4: bytes = Array(bytes[..<at])
        default: bytes.insert(UInt8(ascii: "\n"), at: at)
        }
    }

    private static let brackets = Array(#"[{"\,:-0e"#.utf8)

    private mutating func examine(_ bytes: [UInt8]) {
        var (lines, at) = (LineReader(), 0)
        while at < bytes.count {
            let end = min(bytes.count, at + 1 + below(200))
            do {
                for line in try lines.add(Array(bytes[at..<end])) {
                    _ = try WatchLine(line)
                    events += 1
                }
            } catch { refused += 1 }
            at = end
        }
        guard let json = try? JSONText.parse(bytes) else {
            refused += 1
            if (try? Kubeconfig(["/c"], read: { _ in bytes })) != nil { configs += 1 }
            return
        }
        let error = KubernetesError(status: below(600), json, "GET /", retryAfter: nil)
        if !error.causes.isEmpty { statuses += 1 }
        let plugin = CredentialPlugin(
            command: "login", arguments: [], environment: [:], apiVersion: "client.authentication.k8s.io/v1",
            installHint: nil, place: "here")
        if (try? plugin.answer(json)) != nil { credentials += 1 }
        if let config = try? Kubeconfig(["/c"], read: { _ in bytes }) {
            _ = try? config.access(context: nil, read: { _ in nil })
        }
    }

    private static let samples = [
        #"{"type":"ADDED","object":{"kind":"Deployment","metadata":{"name":"cart","resourceVersion":"17","uid":"x"},"spec":{"replicas":3}}}"#
            + "\n",
        #"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"18"}}}"# + "\n"
            + #"{"type":"ERROR","object":{"code":410,"reason":"Expired"}}"# + "\n",
        #"{"kind":"Status","status":"Failure","message":"no","reason":"Invalid","details":{"causes":[{"field":"spec.replicas","message":"x"}]},"code":422}"#,
        #"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t","expirationTimestamp":"2026-11-28T04:02:41Z"}}"#,
        "current-context: a\nclusters:\n- {name: c, cluster: {server: \"https://x\"}}\ncontexts:\n- {name: a, context: {cluster: c}}\n",
        #"{"kind":"PodList","metadata":{"resourceVersion":"9","continue":"abc"},"items":[{"metadata":{"name":"p"},"n":1e999,"m":-0.5E-3}]}"#,
    ]
}
