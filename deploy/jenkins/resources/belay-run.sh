#!/bin/bash
# The shell part of belayRun: variables in, one program out. exec makes Belay the process that Jenkins signals.
set -eu
set -- run "$BELAY_STEP_FILE" --key "$BELAY_STEP_KEY" --junit "$BELAY_STEP_JUNIT" --report "$BELAY_STEP_REPORT"
[ -z "$BELAY_STEP_REVISION" ] || set -- "$@" --revision "$BELAY_STEP_REVISION"
[ -z "$BELAY_STEP_REASON" ] || set -- "$@" --reason "$BELAY_STEP_REASON"
exec belay "$@"
