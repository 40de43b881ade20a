internal import ArgumentParser
internal import BelaySpec

struct LintCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint", abstract: "Check files without a router: every mistake at once, as file:line:column.")
    @Argument(help: "Rollouts, strategies or analysis templates.") var files: [String]
    @Option(name: .customLong("set"), help: ArgumentHelp("Overrides one value.", valueName: "path=value"))
    var overrides: [String] = []

    func run() throws {
        Signals.unblock()
        let loader = try SpecFiles.loader(overrides: overrides)
        var isGood = true
        for file in files {
            do throws(CommandFailure) {
                let (issues, notes) = loader.review(try SpecFiles.read(file))
                for issue in issues { Console.say(issue.description) }
                for note in notes { Console.say("note: \(note.description)") }
                isGood = isGood && issues.isEmpty
            } catch {
                for line in error.lines { Console.say(line) }
                isGood = false
            }
        }
        if !isGood { throw ExitCode(ExitStatus.invalid.rawValue) }
        Console.say("\(files.count) file\(files.count == 1 ? "" : "s"), nothing wrong")
    }
}
