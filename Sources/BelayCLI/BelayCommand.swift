internal import ArgumentParser
internal import BelayCore
internal import BelayEngine

/// The root of the command. Each subcommand parses, calls, prints; nothing else.
struct BelayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "belay",
        abstract: "Moves traffic to a new version in steps, watches it, and takes it back by itself.",
        discussion: """
            Exit codes of run, resume and wait:
              0  promoted
              1  rolled back: a gate, a deadline, a deployment or a hook
              2  invalid file or target, nothing touched
              3  aborted by a person, an outside hand or a cancelled job
              4  (wait) waits for a person
              5  (wait) timed out
              6  needs attention
              7  the target is another rollout's or driver's
              8  a dependency could not be reached, nothing touched
              9  rolled back: blind, no data
              64 usage; 128 + signal for --on-cancel leave
            """,
        version: Version.text,
        groupedSubcommands: [
            CommandGroup(
                name: "Release",
                subcommands: [RunCommand.self, ResumeCommand.self, RetryCommand.self, UndoCommand.self]),
            CommandGroup(
                name: "Operator",
                subcommands: [
                    PromoteCommand.self, PauseCommand.self, ApproveCommand.self, DenyCommand.self, SkipCommand.self,
                    AbortCommand.self,
                ]),
            CommandGroup(
                name: "Record",
                subcommands: [
                    StatusCommand.self, WaitCommand.self, ListCommand.self, ShowCommand.self, EventsCommand.self,
                    HistoryCommand.self,
                ]),
            CommandGroup(
                name: "Check",
                subcommands: [
                    TargetCommand.self, LintCommand.self, PlanCommand.self, AnalyzeCommand.self, SimulateCommand.self,
                    DoctorCommand.self,
                ]),
            CommandGroup(
                name: "Other",
                subcommands: [RescueCommand.self, VerifyCommand.self, DemoCommand.self, DemoServiceCommand.self]),
        ])
}
