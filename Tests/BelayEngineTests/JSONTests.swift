import BelayAnalysis
import BelayCore
import BelayEngine
import BelayPlatform
import Foundation
import Testing

@Suite("JSON text")
struct JSONTests {
    @Test(
        "what is no JSON is refused with its place",
        arguments: [
            "", "{", "[1,]", "{\"a\":}", "nul", "01", "1.", "-", "\"a", "[1] 2", "{a:1}", "\"\u{1}\"", "+1", "\"\\x\"",
        ])
    func refused(text: String) { #expect(throws: JSONText.Failure.self) { try JSONText.parse(text) } }

    @Test func `escapes, surrogates and numbers read as they should`() throws {
        #expect(try JSONText.parse(#""a\n\u00e9\ud83d\ude00\/""#) == .string("a\né😀/"))
        #expect(
            try JSONText.parse("[-0.5e3, 12345678901, 1e400]")
                == .array([.double(-500), .int(12_345_678_901), .double(.infinity)]))
        #expect(try JSONText.parse(" { \"a\" : [ true , null ] } ")["a"] == .array([.bool(true), .null]))
    }

    @Test func `depth is bounded`() {
        #expect(throws: JSONText.Failure.self) { try JSONText.parse(String(repeating: "[", count: 100_000)) }
    }

    /// Foundation's reader is the judge of what ours writes, and ours of what Foundation's writes.
    @Test func `random values read the same with Foundation`() throws {
        var random = SplitMix64(seed: 1)
        for _ in 0..<2000 {
            let value = JSONValue.array([Self.value(&random, depth: 0)])
            let text = JSONText.write(value)
            #expect(try JSONText.parse(text) == value)
            let object = try JSONSerialization.jsonObject(with: Data(text.utf8))
            let again = try JSONSerialization.data(withJSONObject: object)
            _ = try JSONText.parse(again)
        }
    }

    private static func value(_ random: inout SplitMix64, depth: Int) -> JSONValue {
        switch random.below(depth > 3 ? 5 : 7) {
        case 0: .null
        case 1: .bool(random.once(in: 2))
        case 2: .int(Int64(bitPattern: random.next()) >> 3)
        case 3: .double(Double(random.between(-100_000, 100_000)) / 64 + 0.015625)
        case 4:
            .string(
                String(
                    (0..<random.below(12)).map { _ in
                        Character(Unicode.Scalar(random.pick([34, 92, 9, 10, 97, 233, 0x1F600]))!)
                    }))
        case 5: .array((0..<random.below(4)).map { _ in value(&random, depth: depth + 1) })
        default: .object((0..<random.below(4)).map { .init("k\($0)", value(&random, depth: depth + 1)) })
        }
    }

    @Test func `this process may be alive, one of an earlier boot is not`() {
        let me = ProcessIdentity.current
        #expect(me.mayBeAlive)
        #expect(!ProcessIdentity(host: me.host, bootID: "earlier", pid: me.pid, startTime: me.startTime).mayBeAlive)
        #expect(!ProcessIdentity(host: me.host, bootID: me.bootID, pid: me.pid, startTime: me.startTime - 1).mayBeAlive)
        #expect(ProcessIdentity(host: "elsewhere", bootID: "b", pid: 1, startTime: 1).mayBeAlive)
    }

    @Test func `a clock never lies before the journal's last event`() {
        let later = WallClock.systemTime.advanced(by: .seconds(3600))
        #expect(WallClock(notBefore: later).now >= later)
        #expect(WallClock().now < later)
    }
}
