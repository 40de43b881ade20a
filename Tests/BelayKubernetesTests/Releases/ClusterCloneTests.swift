import BelayCore
import BelayPlatform
import Testing

@testable import BelayKubernetes

/// What is made of a Deployment, without a server.
@Suite("A clone")
struct ClusterCloneTests {
    private static let stable = """
        {"metadata":{"name":"cart","namespace":"shop","uid":"u","resourceVersion":"7","labels":{"app":"cart",
        "app.kubernetes.io/managed-by":"Helm","argocd.argoproj.io/instance":"x"},"annotations":{"meta.helm.sh/release-name":"r"},
        "ownerReferences":[{"kind":"X"}]},"spec":{"replicas":4,"paused":false,"selector":{"matchLabels":{"app":"cart"}},
        "template":{"metadata":{"creationTimestamp":null,"labels":{"app":"cart","tier":"web"}},
        "spec":{"containers":[{"name":"proxy","image":"p:1"},{"name":"app","image":"registry:5000/team/cart:v1"}]}}}}
        """

    private func clone(_ change: (inout ClusterTarget) -> Void = { _ in }) -> ClusterClone {
        var target = ClusterTarget(
            context: nil, namespace: "shop", deployments: .one("cart", clone: true), container: "app", image: nil,
            settings: [], division: .service("cart"))
        target.revision = "v2"
        change(&target)
        let own = ClusterFacts.Deployment(
            name: "cart", uid: "u", replicas: 4, container: "app", containerIndex: 1,
            image: "registry:5000/team/cart:v1", settings: target.settings.map { _ in .null })
        var other = own
        (other.name, other.uid) = ("cart-canary", nil)
        return ClusterClone(
            target: target,
            facts: ClusterFacts(
                serviceUID: "s", selector: ["app": "cart"], label: "app", values: ["cart", "cart-canary"],
                deployments: [own, other]))
    }

    @Test func `bears nothing by which others would claim it, and differs in one label`() throws {
        let made = clone().deployment(
            from: try JSONText.parse(Self.stable), replicas: nil, marks: ["belay.dev/rollout": "r"])
        let text = JSONText.write(made)
        for word in [
            "Helm", "argocd", "meta.helm.sh", "ownerReferences", "resourceVersion", "uid", "paused",
            "creationTimestamp",
        ] {
            #expect(!text.contains(word), "\(word) is in \(text)")
        }
        #expect(made["spec"]?["selector"]?["matchLabels"]?.texts == ["app": "cart-canary"])
        #expect(made["spec"]?["template"]?["metadata"]?["labels"]?.texts == ["app": "cart-canary", "tier": "web"])
        let containers = made["spec"]?["template"]?["spec"]?["containers"]?.array
        #expect(containers?[1]["image"] == "registry:5000/team/cart:v2" && containers?[0]["image"] == "p:1")
        #expect(made["spec"]?["replicas"]?.int == 4)
    }

    @Test(
        "an image is the repository with the revision, unless the revision is one",
        arguments: [
            ("cart:v1", "v2", "cart:v2"), ("cart", "v2", "cart:v2"), ("r:5000/cart", "v2", "r:5000/cart:v2"),
            ("r:5000/cart@sha256:0", "v2", "r:5000/cart:v2"), ("cart:v1", "other/cart:v3", "other/cart:v3"),
            ("cart:v1", "cart@sha256:1", "cart@sha256:1"),
        ])
    func image(present: String, revision: String, expected: String) {
        #expect(ClusterClone.image(present, revision) == expected)
    }

    @Test func `long names are cut and stay different`() {
        let long = String(repeating: "a", count: 60)
        let cuts = ["\(long)-canary", "\(long)-canarz"].map(ClusterClone.cut)
        #expect(cuts.allSatisfy { $0.utf8.count <= 63 } && cuts[0] != cuts[1])
        #expect(ClusterClone.cut("cart-canary") == "cart-canary")
    }

    @Test func `what is set is set, where it was missing too, and is taken away again`() throws {
        let clone = clone {
            $0.settings = [.init(path: "spec.template.metadata.annotations.example.com/build", value: "7")]
        }
        let stable = try JSONText.parse(Self.stable)
        let forward = clone.operations(on: stable, side: 0, image: "x:2", settings: clone.newSettings)
        #expect(
            forward.map { $0["path"]?.string } == [
                "/spec/template/spec/containers/1/name", "/spec/template/spec/containers/1/image",
                "/spec/template/metadata/annotations", "/spec/template/metadata/annotations/example.com~1build",
            ])
        let set = stable.setting(at: clone.target.settings[0].steps, "7")
        let back = clone.operations(on: set, side: 0, image: "x:1", settings: [.null])
        #expect(back.last?["op"] == "remove")
    }

    @Test func `what was found before comes back from its record as it was`() {
        let facts = clone().facts
        #expect(ClusterFacts(json: facts.json) == facts)
        #expect(facts.side(of: ["app": "cart"]) == 0 && facts.side(of: ["app": "cart-canary"]) == 1)
        #expect(facts.side(of: ["app": "cart", "x": "y"]) == nil)
    }
}
