internal import BelayCore

/// Which labels are meant. https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
struct LabelSelector {
    private enum Rule {
        case oneOf(String, [String])
        /// A label that is missing is none of them.
        case noneOf(String, [String])
        case present(String)
        case absent(String)
        /// A later version's: it fits nothing, so that nobody counts on it.
        case unknown

        func fits(_ labels: [String: String]) -> Bool {
            switch self {
            case .oneOf(let key, let values): labels[key].map(values.contains) ?? false
            case .noneOf(let key, let values): !(labels[key].map(values.contains) ?? false)
            case .present(let key): labels[key] != nil
            case .absent(let key): labels[key] == nil
            case .unknown: false
            }
        }
    }

    private let rules: [Rule]

    /// It says nothing: of pods all are meant by a policy, and none by a Service.
    var isEmpty: Bool { rules.isEmpty }

    /// A Service's own: each label has its value.
    init(_ labels: [String: String]) { rules = labels.map { .oneOf($0.key, [$0.value]) } }

    /// One with `matchLabels` and `matchExpressions`.
    init(json: JSONValue?) {
        let expressions = (json?["matchExpressions"]?.array ?? []).map { expression -> Rule in
            let (key, values) = (expression["key"]?.string ?? "", expression["values"]?.strings ?? [])
            return switch expression["operator"]?.string {
            case "In": .oneOf(key, values)
            case "NotIn": .noneOf(key, values)
            case "Exists": .present(key)
            case "DoesNotExist": .absent(key)
            default: .unknown
            }
        }
        rules = LabelSelector(json?["matchLabels"]?.texts ?? [:]).rules + expressions
    }

    /// Whether labels are meant; an empty selector fits all.
    func fits(_ labels: [String: String]) -> Bool { rules.allSatisfy { $0.fits(labels) } }

    /// Whether a Service sends requests to pods with these labels; one without a selector sends none.
    static func isServed(_ labels: [String: String], by service: JSONValue) -> Bool {
        let selector = LabelSelector(service["spec"]?["selector"]?.texts ?? [:])
        return !selector.isEmpty && selector.fits(labels)
    }

    /// `app=cart,side=blue`, as `kubectl -l` takes it.
    static func words(_ labels: [String: String]) -> String {
        labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }
}
