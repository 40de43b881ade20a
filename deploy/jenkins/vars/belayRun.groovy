// A step of a shared library: belayRun(file: 'release.yaml', revision: env.GIT_COMMIT, actor: who)
// An abort of the job signals every process of the step; Belay takes the traffic back within the five seconds that Jenkins gives it.
def call(Map options = [:]) {
    if (!options.file) { error 'belayRun: file is missing' }
    def variables = [
        "BELAY_STEP_FILE=${options.file}", "BELAY_STEP_REVISION=${options.revision ?: ''}",
        "BELAY_STEP_KEY=${options.key ?: env.BUILD_TAG}", "BELAY_STEP_REASON=${options.reason ?: ''}",
        "BELAY_STEP_JUNIT=${options.junit ?: 'belay.xml'}", "BELAY_STEP_REPORT=${options.report ?: 'evidence'}",
    ]
    if (options.actor) { variables << "BELAY_ACTOR=${options.actor}" }
    withEnv(variables) {
        try {
            sh libraryResource('belay-run.sh')
        } finally {
            junit allowEmptyResults: true, testResults: env.BELAY_STEP_JUNIT ?: 'belay.xml'
            archiveArtifacts allowEmptyArchive: true, artifacts: "${env.BELAY_STEP_REPORT ?: 'evidence'}/**"
        }
    }
}
