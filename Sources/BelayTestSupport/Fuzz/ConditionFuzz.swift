internal import BelayAnalysis
internal import BelayCore

/// Generated conditions, read, checked and evaluated: none may crash, hang or grow without bound. Half of them follow the
/// grammar, half are such texts with characters changed.
package struct ConditionFuzz {
    /// What became of them; each has to occur.
    package private(set) var unreadable = 0
    package private(set) var refusedByCheck = 0
    package private(set) var held = 0
    package private(set) var heldNot = 0
    package private(set) var notEvaluated = 0

    private var random: SplitMix64
    /// How many predicates the text under way is inside of.
    private var predicates = 0

    package init(seed: UInt64) { random = SplitMix64(seed: seed) }

    package var text: String {
        "conditions: \(held) hold, \(heldNot) do not, \(notEvaluated) cannot be evaluated; "
            + "\(refusedByCheck) refused by the check, \(unreadable) not readable"
    }

    package var isWhole: Bool { [unreadable, refusedByCheck, held, heldNot, notEvaluated].allSatisfy { $0 > 0 } }

    private static let answers: [MetricAnswer] = [
        .scalar(0.97), .scalar(.nan), .list([]), .list([0.5, 1, 2, .infinity]), .list([.nan]),
        .list([Double](repeating: 1, count: 50)),
        .json(
            .object([
                .init("value", .double(0.2)), .init("items", .array([.int(1), .string("a"), .null, .bool(true)])),
            ]), text: "{…}"),
    ]

    /// Generates and checks so many conditions.
    package mutating func run(_ count: Int) {
        for _ in 0..<count {
            var text = expression(depth: random.below(5))
            if random.below(2) == 0 { mutate(&text) }
            examine(text)
        }
    }

    private mutating func examine(_ text: String) {
        guard let condition = try? Condition(text) else {
            unreadable += 1
            return
        }
        for shape in [Condition.Shape.scalar, .list, .unknown] {
            if (try? condition.check(against: shape)) == nil { refusedByCheck += 1 }
        }
        switch try? condition.holds(for: random.pick(Self.answers)) {
        case true?: held += 1
        case false?: heldNot += 1
        case nil: notEvaluated += 1
        }
    }

    private static let letters = Array("()[]{}.,:?#|&!<>=+-*/%^\"'`\\ 09aenr_résult\u{301}😀\n\0")

    private mutating func mutate(_ text: inout String) {
        var characters = Array(text)
        for _ in 0...random.below(3) {
            let place = random.below(characters.count + 1)
            switch random.below(3) {
            case 0: characters.insert(random.pick(Self.letters), at: place)
            case 1 where place < characters.count: characters.remove(at: place)
            default: if place < characters.count { characters[place] = random.pick(Self.letters) }
            }
        }
        text = String(characters)
    }

    private mutating func expression(depth: Int) -> String {
        guard depth > 0 else {
            if predicates > 0, random.once(in: 3) { return random.pick(["#", ".value", "# > 1"]) }
            return random.pick([
                "result", "result[0]", "result[-1]", "result.value", "result.items", "result > 1", "1", "0.95", "1e9",
                "\"a\"", "'text'", "true", "false", "nil", "[]", "[1, 2]", "result[1:]", "result?.x",
            ])
        }
        let inner = depth - 1
        switch random.below(8) {
        case 0, 1, 2:
            let symbols = [
                "+", "-", "*", "/", "%", "**", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "and", "or", "in",
                "not in", "??", "contains", "startsWith", "endsWith",
            ]
            return "\(expression(depth: inner)) \(random.pick(symbols)) \(expression(depth: inner))"
        case 3: return "(\(expression(depth: inner)))"
        case 4: return random.pick(["!", "not ", "-", "+"]) + expression(depth: inner)
        case 5:
            let list = expression(depth: inner)
            predicates += 1
            defer { predicates -= 1 }
            return "\(random.pick(Condition.predicateFunctions))(\(list), \(expression(depth: inner)))"
        case 6:
            let arguments = (0...random.below(2)).map { _ in expression(depth: inner) }
            return "\(random.pick(Condition.functions))(\(arguments.joined(separator: ", ")))"
        default:
            return "\(expression(depth: inner)) ? \(expression(depth: inner)) : \(expression(depth: inner))"
        }
    }
}
