internal import ArgumentParser

/// What is left for the job's system to show.
struct PipelineOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Write the gates as JUnit XML at the end: a case for each metric and step.", valueName: "file"))
    var junit: String?

    @Option(
        help: ArgumentHelp(
            "Write the evidence at the end, as one page (index.html) and for machines (evidence.json), into this folder.",
            valueName: "dir"))
    var report: String?
}
