internal import ArgumentParser
internal import BelayEngine
internal import BelayJournal

/// What every command that may drive a rollout to its end is asked.
struct DriveOptions: ParsableArguments {
    @Option(help: "On SIGINT, SIGTERM or SIGHUP: rollback takes the traffic back, leave lets it be for `resume`.")
    var onCancel: Release.OnCancel = .rollback

    @Flag(help: "Print every measurement; else each change, and one summary a minute.") var verbose = false

    @OptionGroup var pipeline: PipelineOptions

    func release(_ journal: SQLiteJournal, _ clock: WallClock, output: OutputFormat) -> Release {
        let pipeline = Pipeline(pipeline)
        pipeline.clear()
        return Release(
            journal: journal, clock: clock, reporter: Reporter(output: output, isVerbose: verbose), onCancel: onCancel,
            pipeline: pipeline)
    }
}
