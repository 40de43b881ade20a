internal import ArgumentParser
internal import BelayDemo
internal import BelayEngine
internal import BelayPlatform
internal import Foundation
internal import Glibc

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "The whole thing on this machine: a release, a rollback and a resumed one.",
        discussion: """
            Starts two versions of a small service, HAProxy, Prometheus and a bounded load on free loopback ports, and takes
            about a minute, with the comparison about three. Needs haproxy and prometheus. Everything it started is gone
            afterwards, also after Ctrl-C.
            """)

    @Option(help: "Requests a second; 100, or 200 with the comparison.") var rate: Int?
    @Option(help: "What decides: threshold or compare (canary against stable).") var gate = DemoShow.Gate.threshold

    func run() async throws {
        let show = Task { try await DemoShow(rate: rate ?? gate.rate, gate: gate).play() }
        let stopped = Locked<Int32?>(nil)
        let watch = Signals.watch { number in
            stopped.withLock { $0 = number }
            show.cancel()
        }
        let result = await show.result
        withExtendedLifetime(watch) {}
        if let number = stopped.withLock({ $0 }) {
            Console.say("stopped; everything it started is gone")
            throw ExitCode(128 + number)
        }
        switch result {
        case .success(let isGood): if !isGood { throw ExitCode(1) }
        case .failure(let error): throw CommandFailure(.failure, "the demo could not go on: \(error)")
        }
    }
}
