internal import ArgumentParser
internal import BelayDemo

/// The service of the demo and of the acceptance tests; hidden, since it is of no use elsewhere.
struct DemoServiceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo-service", abstract: "One version of the demo's service.", shouldDisplay: false)

    @Option var port: Int
    @Option var name: String
    @Option(help: "Percent of requests answered with 500.") var errors = 0.0
    @Option(help: "Milliseconds before each answer.") var delay = 0
    @Option(help: "Seconds until it ends by itself.") var life = 600

    func run() throws {
        Signals.unblock()
        try Service(name: name, errorPercent: errors, delay: .milliseconds(delay)).serve(
            port: port, life: .seconds(life))
    }
}
