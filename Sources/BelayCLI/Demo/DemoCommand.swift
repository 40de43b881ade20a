internal import ArgumentParser

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "demo", abstract: "The whole thing on this machine.")
    func run() async throws { throw ExitCode(1) }
}
