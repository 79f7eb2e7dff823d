#!/usr/bin/env bash
# `make test`: install what the tests need, run all of them, judge the coverage.
#   dev/test.sh [pytest arguments]     arguments choose tests; coverage is judged only when all run
#   LEADKEEPER_TESTS=full              nothing may be skipped: a missing PostgreSQL or Chromium is a failure
set -euo pipefail
cd "$(dirname "$0")/.."

dev/setup.sh dev
source dev/steps.sh
export DEBIAN_FRONTEND=noninteractive

have_postgres() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null; }
have_chromium() { command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; }

apt_install() { # the lists of a fresh machine are empty or old: read them and try again
  apt-get install -y -q --no-install-recommends "$@" || { apt-get update -q && apt-get install -y -q --no-install-recommends "$@"; }
}

provide() { # NAME HAVE PACKAGES...
  local name=$1 have=$2
  shift 2
  if "$have"; then return; fi
  if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then
    echo "  ! no $name: its tests are skipped. To run them: sudo apt-get install -y --no-install-recommends $*"
    return
  fi
  step "$name (apt)" apt_install "$@" || echo "  ! no $name: its tests are skipped."
}

provide PostgreSQL have_postgres postgresql
provide Chromium have_chromium chromium fonts-noto-core

# Every commit waits for the disk, and there are tens of thousands: into memory with what is temporary, where there is room.
if [[ $(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1) -gt 2000000 ]]; then
  TMPDIR=$(mktemp -d /dev/shm/leadkeeper-tests.XXXXXX)
  trap 'rm -rf "$TMPDIR"' EXIT
  chmod 711 "$TMPDIR" # PostgreSQL runs as a user of its own
  export TMPDIR
fi
# A hundred programs are started on the way: they are compiled once.
unset PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX=$PWD/.make/bytecode

if (($# > 0)); then
  .venv/bin/python -m pytest "$@"
  exit
fi

export PROBES_OF_LEADKEEPER=$PWD/.make/probes
rm -rf "$PROBES_OF_LEADKEEPER" && mkdir "$PROBES_OF_LEADKEEPER"
failed=0
PYTHONPATH=$PWD/dev/probes .venv/bin/python -m pytest -n 3 --dist worksteal --junit-xml .make/tests.xml || failed=$?
.venv/bin/python -m dev.probes.collect || failed=$?
exit "$failed"
