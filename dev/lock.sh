#!/usr/bin/env bash
# Resolve pyproject.toml anew. The locks hold versions and hashes but no address of an index, so that
# any mirror serves them (docs/decisions/0003).
set -euo pipefail
cd "$(dirname "$0")/.."

compile() { # INPUT OUTPUT MORE...
  .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-emit-index-url --no-emit-find-links --no-header --no-annotate "${@:3}" "$1" -o "$2"
}

compile pyproject.toml requirements/run.txt "$@"
compile pyproject.toml requirements/dev.txt --extra dev --constraint requirements/run.txt "$@"
echo uv | compile - requirements/uv.txt "$@"
