import BelayCore
import BelayKubernetesDouble
import BelayPlatform
import Foundation
import Testing

@testable import BelayKubernetes

/// What is seen of a cluster before a release, by the program itself.
@Suite("The look before a release of a Deployment")
struct ClusterSurveyTests {
    private static let shares = ClusterReleaseTests.shares

    @Test func `a plan shows what each write changes, and the server has taken all of them as dry runs`() async throws {
        try await ReleaseRig.run { rig in
            let file = try rig.file(revision: "v2", traffic: Self.shares, steps: "{setWeight: 50}, {setWeight: 100}")
            let plan = try await rig.belay("plan", file)
            for words in [
                "create Deployment cart-canary, which is cart but for",
                "~ spec.template.spec.containers[0].image: cart:v1 → cart:v2", "~ spec.replicas: 3 → 0",
                "change Service cart for 100 %", "+ spec.selector[belay.dev/clone]: cart-canary",
                "change Deployment cart when the last hold is over", "the server takes 5 of 5 (dry run)",
            ] {
                #expect(plan.words.contains(words), "\(words) is not in \(plan.words)")
            }
            #expect(rig.tried == 5)
            let run = try await rig.belay("run", file, "--dry-run")
            #expect(run.status == 0 && run.words.contains("dry run: nothing was changed"), "\(run.words)")
            #expect(rig.written.allSatisfy { $0.path.hasSuffix("selfsubjectaccessreviews") })
        }
    }

    @Test func `what admission refuses is known before anything is changed`() async throws {
        try await ReleaseRig.run { rig in
            rig.server.double.admit { type, object in
                let isLabelled = object["metadata"]?["labels"]?["belay.dev/clone"] != nil
                return type.kind == "Deployment" && isLabelled ? "policy 'owners': a Deployment needs an owner" : nil
            }
            let run = try await rig.belay("run", try rig.file(revision: "v2", traffic: Self.shares))
            #expect(run.status == 2 && run.words.contains("a Deployment needs an owner"), "\(run.words)")
            #expect(run.words.contains("the server will refuse to create Deployment cart-canary"), "\(run.words)")
            #expect(rig.written.allSatisfy { $0.path.hasSuffix("selfsubjectaccessreviews") })
        }
    }

    @Test func `a quota without room for the canary is told with its numbers`() async throws {
        try await ReleaseRig.run { rig in
            rig.server.make(
                "/api/v1/namespaces/shop/resourcequotas", #"{"metadata":{"name":"pods"},"spec":{"hard":{"pods":"6"}}}"#)
            rig.server.double.advance(by: .seconds(2))
            let run = try await rig.belay("run", try rig.file(revision: "v2"))
            // Three of the canary's, and one above stable's three while it gets the new version.
            #expect(
                run.status == 2
                    && run.words.contains("quota `pods` has 3 of 6 pods in use, and a release needs 4 more"),
                "\(run.words)")
        }
    }

    @Test func `an autoscaler that another controller drives is refused, since that would put its minimum back`()
        async throws
    {
        try await ReleaseRig.run { rig in
            rig.server.make(
                "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers",
                #"{"metadata":{"name":"keda","ownerReferences":[{"apiVersion":"keda.sh/v1alpha1","kind":"ScaledObject","name":"cart","#
                    + #""uid":"1","controller":true}]},"spec":{"minReplicas":1,"maxReplicas":9,"#
                    + #""scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"cart"}}}"#)
            let run = try await rig.belay("run", try rig.file(revision: "v2"))
            #expect(run.status == 2 && run.words.contains("is driven by ScaledObject cart"), "\(run.words)")
        }
    }

    @Test func `whoever selects the canary's pods, too, is named`() async throws {
        try await ReleaseRig.run { rig in
            rig.server.make(
                "/apis/policy/v1/namespaces/shop/poddisruptionbudgets",
                #"{"metadata":{"name":"calm"},"spec":{"minAvailable":2,"selector":{"matchLabels":{"app":"cart"}}}}"#)
            rig.server.make(
                "/apis/networking.k8s.io/v1/namespaces/shop/networkpolicies",
                #"{"metadata":{"name":"closed"},"spec":{"podSelector":{"matchExpressions":[{"key":"app","operator":"Exists"}]}}}"#
            )
            let plan = try await rig.belay("plan", try rig.file(revision: "v2"))
            for words in [
                "PodDisruptionBudget `calm` covers the pods of `cart` and not those of `cart-canary`",
                "NetworkPolicy `closed` covers the pods of `cart-canary`, too",
            ] {
                #expect(plan.words.contains(words), "\(words) is not in \(plan.words)")
            }
        }
    }

    @Test func `another Service that would lead to the canary is refused unless the file allows it`() async throws {
        try await ReleaseRig.run { rig in
            rig.server.make(
                "/api/v1/namespaces/shop/services",
                #"{"metadata":{"name":"also"},"spec":{"selector":{"app":"cart"},"ports":[{"port":81}]}}"#)
            let refused = try await rig.belay("run", try rig.file(revision: "v2", traffic: Self.shares))
            #expect(
                refused.status == 2 && refused.words.contains("`alsoServices: [also]` allows it"), "\(refused.words)")
            let allowed = try rig.file(revision: "v2", traffic: "replicas: {service: cart, alsoServices: [also]}")
            let plan = try await rig.belay("plan", allowed)
            #expect(plan.status == 0 && plan.words.contains("the file allows it"), "\(plan.words)")
            let missing = try rig.file(revision: "v2", traffic: "replicas: {service: cart, alsoServices: [also, none]}")
            let run = try await rig.belay("run", missing)
            #expect(run.status == 2 && run.words.contains("there is no Service `none`"), "\(run.words)")
        }
    }

    @Test func `a selector that somebody applies from the server's side is refused with shares by pods`() async throws {
        try await ReleaseRig.run { rig in
            let body =
                #"{"apiVersion":"v1","kind":"Service","metadata":{"name":"cart"},"spec":{"selector":{"app":"cart"}}}"#
            let headers = [
                ("Authorization", "Bearer admin-token"), ("Content-Type", "application/apply-patch+yaml"),
            ]
            _ = rig.server.double.answer(
                APIRequest(
                    method: "PATCH", target: "/api/v1/namespaces/shop/services/cart?fieldManager=argocd&force=true",
                    headers: headers, body: Array(body.utf8)))
            let shares = try await rig.belay("run", try rig.file(revision: "v2", traffic: Self.shares))
            #expect(shares.status == 2 && shares.words.contains("is managed by `argocd`"), "\(shares.words)")
            let switched = try await rig.belay("plan", try rig.file(revision: "v2"))
            #expect(switched.status == 0 && switched.words.contains("is managed by `argocd`"), "\(switched.words)")
        }
    }

    @Test func `what was done can be read with kubectl describe`() async throws {
        try await ReleaseRig.run { rig in
            let run = try await rig.belay("run", try rig.file(revision: "v2-ready1"))
            #expect(run.status == 0, "\(run.words)")
            let events = rig.server.double.objects("Event", "shop").filter { $0["source"]?["component"] == "belay" }
            let uids = [rig.deployment("cart"), rig.service("cart")].map { $0?["metadata"]?["uid"]?.string }
            #expect(events.allSatisfy { uids.contains($0["involvedObject"]?["uid"]?.string) })
            let reasons = Set(events.compactMap { $0["reason"]?.string })
            #expect(reasons.isSuperset(of: ["CanaryDeployed", "TrafficShifted", "Adopted", "TrafficReturned"]))
        }
    }

    @Test func `lint says how many pods of stable's a share needs, and refuses what shares by pods cannot keep`()
        async throws
    {
        try await ReleaseRig.run { rig in
            let steps = "{setWeight: 10}, {setWeight: 90}, {setWeight: 100}"
            let lint = try await rig.belay("lint", try rig.file(revision: "v2", traffic: Self.shares, steps: steps))
            for words in [
                "10 % needs 9 pods of stable's beside one of the canary's, and beside 3 that one is 25 %",
                "90 % is 9 pods of the canary's for each of stable's",
            ] {
                #expect(lint.status == 0 && lint.words.contains(words), "\(words) is not in \(lint.words)")
            }
            let kept = try rig.file(revision: "v3", traffic: Self.shares, workload: "deployment: cart, keepCanary: 5m")
            let refused = try await rig.belay("lint", kept)
            #expect(
                refused.status == 2 && refused.words.contains("`keepCanary` goes with `service`"), "\(refused.words)")
        }
    }

    @Test func `a label that the release changes and the Service selects by is refused`() async throws {
        try await ReleaseRig.run { rig in
            rig.patch(
                "deployments", "cart", #"{"spec":{"template":{"metadata":{"labels":{"version":"v1"}}}}}"#)
            try await rig.until("the pods have the label") {
                let pods = rig.server.double.objects("Pod", "shop")
                return pods.count == 3 && pods.allSatisfy { $0["metadata"]?["labels"]?["version"] == "v1" }
            }
            rig.replaceService(#"{"app":"cart","version":"v1"}"#)
            let set = #"set: {spec.template.metadata.labels.version: "{{revision}}"}"#
            let run = try await rig.belay(
                "run", try rig.file(revision: "v2", workload: "deployment: cart, \(set)"))
            #expect(run.status == 2 && run.words.contains("selects by the label `version`"), "\(run.words)")
        }
    }

    @Test(
        "what another release tool drives is refused, and it is named",
        arguments: [
            (
                "services", #"{"metadata":{"annotations":{"argo-rollouts.argoproj.io/managed-by-rollouts":"cart"}}}"#,
                "Rollout cart"
            ),
            (
                "deployments", #"{"metadata":{"annotations":{"rollout.argoproj.io/workload-generation":"1"}}}"#,
                "is the template of a Rollout"
            ),
            (
                "services",
                #"{"metadata":{"ownerReferences":[{"apiVersion":"flagger.app/v1beta1","kind":"Canary","name":"cart","uid":"1","controller":true}]}}"#,
                "driven by Canary cart"
            ),
        ])
    func otherTools(plural: String, patch: String, words: String) async throws {
        try await ReleaseRig.run { rig in
            rig.patch(plural, "cart", patch)
            let run = try await rig.belay("run", try rig.file(revision: "v2"))
            #expect(run.status == 2 && run.words.contains(words), "\(run.words)")
            #expect(rig.written.allSatisfy { $0.path.hasSuffix("selfsubjectaccessreviews") })
        }
    }

    // MARK: Words

    @Test(
        "a selector fits the labels that it means",
        arguments: [
            (#"{"matchLabels":{"app":"cart"}}"#, true), (#"{"matchLabels":{"app":"cart","x":"y"}}"#, false),
            (#"{"matchExpressions":[{"key":"app","operator":"In","values":["a","cart"]}]}"#, true),
            (#"{"matchExpressions":[{"key":"app","operator":"NotIn","values":["cart"]}]}"#, false),
            (#"{"matchExpressions":[{"key":"x","operator":"NotIn","values":["cart"]}]}"#, true),
            (#"{"matchExpressions":[{"key":"x","operator":"DoesNotExist"}]}"#, true),
            (#"{"matchExpressions":[{"key":"x","operator":"Exists"}]}"#, false),
            (#"{"matchExpressions":[{"key":"app","operator":"Like"}]}"#, false), ("{}", true),
        ])
    func selectors(json: String, fits: Bool) throws {
        #expect(LabelSelector(json: try JSONText.parse(json)).fits(["app": "cart", "side": "blue"]) == fits)
    }

    @Test(
        "amounts are read as the API writes them",
        arguments: [
            ("500m", 0.5), ("2", 2), ("1.5Gi", 1_610_612_736), ("1e3", 1000), ("100k", 100_000), ("3Zi", nil),
            ("", nil), ("m", nil),
        ] as [(String, Double?)])
    func quantities(text: String, value: Double?) {
        #expect(Quantity.value(of: text) == value)
    }
}
