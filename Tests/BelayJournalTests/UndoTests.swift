import BelayCore
import Testing

@testable import BelayJournal

@Suite("What is undone")
struct UndoTests {
    /// The latest first, as the journal lists them.
    private static func rollouts(_ list: [(revision: String, outcome: String?)]) -> [RolloutSummary] {
        list.enumerated().map { index, item in
            RolloutSummary(
                id: "app-\(list.count - index)", name: "app", revision: item.revision, target: "t",
                started: Timestamp(milliseconds: Int64(list.count - index)), finished: nil, outcome: item.outcome)
        }
    }

    private static let promoted = Outcome.promoted.summary
    private static let back = Outcome.rolledBack(Cause(.gate, "errors")).summary

    @Test func `the last promotion is undone by the revision promoted before it, whatever was taken back between`()
        throws
    {
        let all = Self.rollouts([
            ("4", Self.back), ("3", Self.promoted), ("3", Self.promoted), ("x", Self.back), ("2", Self.promoted),
            ("1", Self.promoted),
        ])
        let choice = try UndoChoice(of: all, aim: nil)
        #expect(choice.undone.id == "app-5" && choice.again.id == "app-2")
        #expect(try UndoChoice(of: all, aim: "app-1").again.revision == "1")
    }

    @Test(
        "where nothing can be undone the reason is told",
        arguments: [
            ([], nil, "nothing was promoted yet"),
            ([("1", "promoted")], nil, "does not know what ran before app-1 (1)"),
            ([("2", "promoted"), ("1", "rolled-back")], "app-1", "`app-1` is no promoted rollout"),
            ([("2", "promoted"), ("1", "promoted")], "app-2", "2 is what runs already"),
        ] as [([(String, String)], String?, String)])
    func refusals(list: [(String, String)], aim: String?, words: String) {
        let all = Self.rollouts(list.map { ($0.0, $0.1 == "promoted" ? Self.promoted : Self.back) })
        let refusal = #expect(throws: UndoChoice.Refusal.self) { try UndoChoice(of: all, aim: aim) }
        #expect(refusal?.words.contains(words) ?? false, "\(refusal?.words ?? "")")
    }
}
