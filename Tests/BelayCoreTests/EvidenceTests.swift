import Testing

@testable import BelayCore

@Suite("What is kept of a comparison's windows")
struct EvidenceTests {
    /// The whole list, and what it says: what is kept must say the same, whatever came in whatever order.
    private struct WholeRecord {
        var windows: [Evidence] = []
        var atConfirmation = 0

        func last(ofStep step: Int) -> Evidence? {
            guard windows.count > atConfirmation, let last = windows.last, last.step == step else { return nil }
            return last
        }

        func beginsAnew(inStep step: Int) -> Bool {
            windows.prefix(atConfirmation).reversed().prefix { $0.step == step }.contains(where: \.isWhole)
                && !windows.dropFirst(atConfirmation).contains { $0.isWhole && $0.step == step }
        }
    }

    private static func window(step: Int, isWhole: Bool, number: Int) -> Evidence {
        let counts = CountWindow(
            from: zero, to: seconds(Double(number)), since: zero, canaryRequests: 1, stableRequests: 1, bad: [])
        return Evidence(
            test: .ratio, window: counts, step: step, isWhole: isWhole, harm: 1, harmLimit: 1, promotion: 1,
            requests: 1,
            reference: 1)
    }

    @Test func `it says what the whole record would say, after every sequence of eight windows and confirmations`() {
        // Of the present step, whole or not; a confirmation; the next step, whose share is confirmed.
        for sequence in 0..<65_536 {
            var (kept, whole, step) = (EvidenceProgress(), WholeRecord(), 0)
            for place in 0..<8 {
                switch sequence >> (2 * place) & 3 {
                case 0, 1:
                    let window = Self.window(step: step, isWhole: sequence >> (2 * place) & 1 == 1, number: place + 1)
                    kept.add(window)
                    whole.windows.append(window)
                case 2:
                    kept.confirm()
                    whole.atConfirmation = whole.windows.count
                default:
                    step += 1
                    kept.confirm()
                    whole.atConfirmation = whole.windows.count
                }
                guard kept.last(ofStep: step) == whole.last(ofStep: step),
                    kept.beginsAnew(inStep: step) == whole.beginsAnew(inStep: step)
                else {
                    Issue.record("sequence \(sequence), after \(place + 1)")
                    return
                }
            }
        }
    }
}
