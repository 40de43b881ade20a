internal import ArgumentParser
internal import BelayCore
internal import BelayEngine

/// What the executable calls.
package enum Belay {
    /// Parses, runs, and ends the process with the command's exit code.
    package static func main() async -> Never {
        do {
            var command = try BelayCommand.parseAsRoot()
            if var async = command as? any AsyncParsableCommand {
                try await async.run()
            } else {
                try command.run()
            }
            Console.exit(.success)
        } catch let error as CommandFailure {
            if wantsJSON { Console.print(error.json) }
            for line in error.lines { error.isPositioned ? Console.say(line) : Console.complain(line) }
            Console.exit(error.code)
        } catch let error as ExitCode {
            Console.exit(ExitStatus(rawValue: error.rawValue))
        } catch {
            let code = BelayCommand.exitCode(for: error).rawValue
            if wantsJSON, code != 0 {
                Console.print(CommandFailure(ExitStatus(rawValue: code), BelayCommand.message(for: error)).json)
            }
            BelayCommand.exit(withError: error)
        }
    }

    /// Whether the user asked for JSON. The raw arguments tell it, since it counts also where they could not be parsed.
    private static var wantsJSON: Bool {
        let arguments = CommandLine.arguments
        return arguments.contains("--output=json")
            || zip(arguments, arguments.dropFirst()).contains { $0 == "--output" && $1 == "json" }
    }
}
