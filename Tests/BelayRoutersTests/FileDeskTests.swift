import BelayEngine
import BelayTestSupport
import Dispatch
import Testing

@testable import BelayRouters

@Suite("A disk that hangs")
struct FileDeskTests {
    private let clock = SkippingClock()

    /// A call that does not end before it is let go; time passes meanwhile.
    private func hang(_ door: DispatchSemaphore) -> @Sendable () -> Int {
        { [clock] in
            clock.letGo()
            door.wait()
            clock.hold()
            return 1
        }
    }

    @Test func `nobody waits longer than a second, and what came late is known to have ended`() async {
        clock.hold()
        let (desk, door) = (FileDesk(clock), DispatchSemaphore(value: 0))
        #expect(await desk.run { 7 } == 7)
        #expect(!desk.isBusy)
        #expect(await desk.run(hang(door)) == nil)
        #expect(desk.isBusy)
        door.signal()
        while desk.isBusy { await Task.yield() }
        #expect(await desk.run { 8 } == 8)
    }

    @Test func `a write that could not even begin leaves the next one free to`() async {
        clock.hold()
        let (desk, door) = (FileDesk(clock), DispatchSemaphore(value: 0))
        for _ in 0..<4 { #expect(await desk.run(hang(door)) == nil) }
        #expect(await desk.runAlone { 1 } == nil)  // Too many hang already.
        for _ in 0..<4 { door.signal() }
        while desk.isBusy { await Task.yield() }
        #expect(await desk.runAlone { 2 } == 2)
    }

    @Test func `of two writes the second is not begun before the first has ended`() async {
        clock.hold()
        let (desk, door) = (FileDesk(clock), DispatchSemaphore(value: 0))
        #expect(await desk.runAlone(hang(door)) == nil)
        #expect(await desk.runAlone { 2 } == nil)
        door.signal()
        while desk.isBusy { await Task.yield() }
        #expect(await desk.runAlone { 3 } == 3)
    }
}
