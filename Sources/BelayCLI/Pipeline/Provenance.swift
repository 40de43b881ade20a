/// Where a release runs, from the environment that CI systems set: what a report says of the job.
enum Provenance {
    /// The variable, and its name in a report.
    private static let known: [(variable: String, name: String)] = [
        ("GITHUB_REPOSITORY", "github.repository"), ("GITHUB_WORKFLOW", "github.workflow"),
        ("GITHUB_JOB", "github.job"),
        ("GITHUB_RUN_ID", "github.run-id"), ("GITHUB_RUN_ATTEMPT", "github.run-attempt"), ("GITHUB_SHA", "github.sha"),
        ("GITHUB_REF_NAME", "github.ref"), ("GITHUB_ACTOR", "github.actor"),
        ("GITHUB_TRIGGERING_ACTOR", "github.triggering-actor"), ("RUNNER_NAME", "github.runner"),
        ("BUILD_URL", "jenkins.build-url"), ("BUILD_TAG", "jenkins.build-tag"), ("JOB_NAME", "jenkins.job"),
        ("BUILD_NUMBER", "jenkins.build-number"), ("GIT_COMMIT", "jenkins.commit"), ("NODE_NAME", "jenkins.node"),
        ("CI_PROJECT_PATH", "gitlab.project"), ("CI_PIPELINE_URL", "gitlab.pipeline-url"),
        ("CI_JOB_ID", "gitlab.job-id"),
        ("CI_COMMIT_SHA", "gitlab.commit"), ("GITLAB_USER_LOGIN", "gitlab.user"),
    ]

    /// The variables that are set, under the names that reports have for them, and the run's address where it can be told.
    static func found(in environment: [String: String]) -> [(name: String, value: String)] {
        var found = known.compactMap { variable, name in
            environment[variable].flatMap { $0.isEmpty ? nil : (name: name, value: $0) }
        }
        if let server = environment["GITHUB_SERVER_URL"], let repository = environment["GITHUB_REPOSITORY"],
            let run = environment["GITHUB_RUN_ID"]
        {
            let attempt = environment["GITHUB_RUN_ATTEMPT"].map { "/attempts/\($0)" } ?? ""
            found.append(("github.run-url", "\(server)/\(repository)/actions/runs/\(run)\(attempt)"))
        }
        return found
    }
}
