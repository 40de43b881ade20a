#!/usr/bin/env bash
# A whole release from a shell: release.sh VERSION
set -euo pipefail
version=$1
side=$(belay target release.yaml --wait --output json | jq -r .idle.side)
./deploy.sh "$side" "$version"
exec belay run release.yaml --revision "$version" --junit belay.xml --report evidence
