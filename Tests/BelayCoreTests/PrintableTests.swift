import BelayCore
import Testing

@Suite("Text from outside")
struct PrintableTests {
    @Test(
        "control characters are written out",
        arguments: [
            ("plain ✔ ü 日本", "plain ✔ ü 日本"), ("a\nb\rc\td", #"a\nb\rc\td"#), ("\u{1B}[31mred", #"\u001b[31mred"#),
            ("\u{9B}2J\u{85}", #"\u009b2J\u0085"#), ("\u{202E}evil\u{2066}", #"\u202eevil\u2066"#),
            ("a\u{2028}b\u{7F}\u{200B}", #"a\u2028b\u007f\u200b"#), ("\u{E0041}", #"\ue0041"#),
        ])
    func isWrittenOut(text: String, expected: String) {
        #expect(text.printable == expected)
    }

    @Test func `a line of ours keeps its colours and its tabs, and nothing else`() {
        #expect("\u{1B}[1;31mred\u{1B}[0m\tend".printableLine == "\u{1B}[1;31mred\u{1B}[0m\tend")
        #expect("a\u{1B}[2Jb".printableLine == #"a\u001b[2Jb"#)
        #expect("a\u{1B}]0;title\u{7}b".printableLine == #"a\u001b]0;title\u0007b"#)
        #expect("x\n::error::y".printableLine == #"x\n::error::y"#)
        #expect("\u{1B}".printableLine == #"\u001b"#)
        #expect("\u{1B}[[0m".printableLine == #"\u001b[[0m"#)
    }

    @Test func `what a server says is recorded without control characters`() {
        var story = Story.holding()
        let measurement = Measurement(
            metric: 0, phase: .failed, value: "1\u{1B}[2K", message: "x\n::error::PROMOTED", startedAt: seconds(2),
            finishedAt: seconds(2))
        story.tell(.measured(measurement), at: seconds(2))
        let texts = story.events.map { "\($0)" }.joined()
        #expect(!texts.unicodeScalars.contains { $0.value < 0x20 })
        #expect(story.cause?.message.contains(#"\n::error::"#) == true)
    }
}
