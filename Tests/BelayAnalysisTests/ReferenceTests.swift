import BelayCore
import Foundation
import Testing

@testable import BelayAnalysis

/// The gate beside the scalar reference (`Vectors/reference_gate.py`), on the same generated windows.
@Suite("The reference gate")
struct ReferenceTests {
    /// Traffic of 50 to 5,000 requests a second, errors from none to catastrophic, windows that span a change of the
    /// share, empty ones and ones with a single side.
    private struct Traffic {
        var random: SplitMix64

        mutating func run() -> (delta: Double, steps: Int, polls: [(block: Block, isWhole: Bool)]) {
            let requests = [50, 200, 1000, 5000][random.below(4)] * 15
            let stable = [0, 0.0005, 0.001, 0.02][random.below(4)]
            let canary = stable * [1, 1, 1.2, 2, 3, 10][random.below(6)] + (random.below(20) == 0 ? 0.5 : 0)
            let polls = (0..<120).map { index -> (Block, Bool) in
                let share = [0.1, 0.25, 0.5][min(index / 30, 2)]
                let mood = random.below(40)
                let ours = mood == 0 ? 0 : Int(Double(requests) * share)
                let theirs = mood == 1 ? 0 : Int(Double(requests) * (1 - share))
                let block = Block(
                    canaryBad: min(random.poisson(Double(ours) * canary), Double(ours)),
                    stableBad: min(random.poisson(Double(theirs) * stable), Double(theirs)),
                    canaryRequests: Double(ours), stableRequests: Double(theirs))
                return (block, random.below(12) > 0)
            }
            return ([0, 0.005][random.below(2)], 1 + random.below(4), polls)
        }
    }

    @Test func `decides as the reference does, poll by poll, over three thousand runs`() throws {
        var traffic = Traffic(random: SplitMix64(seed: 20_261_121))
        let runs = (0..<3000).map { _ in traffic.run() }
        let lines = runs.map { run in
            let polls = run.polls.map { poll in
                let block = poll.block
                return "\(Int(block.canaryBad)) \(Int(block.stableBad)) \(Int(block.canaryRequests)) "
                    + "\(Int(block.stableRequests)) \(poll.isWhole ? 1 : 0)"
            }
            return (["\(run.delta) \(run.steps)"] + polls).joined(separator: ";")
        }
        let played = try Self.play(lines.joined(separator: "\n") + "\n")
        #expect(played.count == runs.count)
        var polls = 0
        var seen: [SequentialGate.Decision: Int] = [:]
        for (index, (run, wanted)) in zip(runs, played).enumerated() {
            var settings = SequentialGate.Settings()
            settings.onSuspicion = .promote
            settings.steps = run.steps
            settings.comparison.delta = run.delta > 0 ? run.delta : nil
            var gate = SequentialGate(settings)
            for (poll, answer) in zip(run.polls, wanted.split(separator: ";")) {
                let words = answer.split(separator: " ")
                let outcome = gate.poll(15, WindowCounts(poll.block), isWhole: poll.isWhole)
                let numbers = [outcome.logHarm, outcome.logPromotion, outcome.logGuardian]
                let isSame =
                    Self.names[outcome.decision].map { words[0] == $0 } ?? false
                    && zip(numbers, words.dropFirst()).allSatisfy { VectorTests.isClose($0, Double($1) ?? .nan, 1e-9) }
                guard isSame else {
                    Issue.record("run \(index), poll \(polls): \(outcome), the reference says \(answer)")
                    return
                }
                seen[outcome.decision, default: 0] += 1
                polls += 1
            }
        }
        #expect(polls > 60_000)
        for decision in Self.names.keys { #expect(seen[decision, default: 0] > 50, "\(decision) is never seen") }
    }

    private static let names: [SequentialGate.Decision: String] = [
        .warmUp: "WARMUP", .hold: "HOLD", .promote: "PROMOTE", .complete: "COMPLETE", .abort: "ABORT",
    ]

    private static func play(_ text: String) throws -> [Substring] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "belay-reference-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let (input, output) = (folder.appending(path: "runs"), folder.appending(path: "played"))
        try text.write(to: input, atomically: true, encoding: .utf8)
        try Data().write(to: output)
        let python = Process()
        python.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        python.arguments = ["python3", "-B", VectorTests.folders[0] + "/play.py"]
        python.standardInput = try FileHandle(forReadingFrom: input)
        python.standardOutput = try FileHandle(forWritingTo: output)
        try python.run()
        python.waitUntilExit()
        #expect(python.terminationStatus == 0)
        return try String(contentsOf: output, encoding: .utf8).split(separator: "\n")
    }
}
