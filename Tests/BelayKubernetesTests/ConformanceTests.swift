import BelayCore
import BelayKubernetesDouble
import BelayPlatform
import Foundation
import Testing

/// The API double against what a real server of version 1.36 answered.
@Suite("The API double answers as a real server did")
struct ConformanceTests {
    @Test func `to the recorded requests, in their order`() throws {
        var stage = try Stage()
        for recording in try Recording.all() {
            let found = stage.play(recording)
            #expect(found.isEmpty, "\(recording.number) \(recording.about): \(found.joined(separator: "\n  "))")
        }
    }
}
