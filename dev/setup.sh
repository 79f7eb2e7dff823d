#!/usr/bin/env bash
# Make .venv and fill it from the hash-pinned locks: `setup.sh run` or `setup.sh dev` (run and more).
# Does nothing when the stamp says that the wanted set, or the larger one, is already there.
set -euo pipefail
cd "$(dirname "$0")/.."

wanted=${1:-run}
STAMP=.venv/installed
VENV_PYTHON=.venv/bin/python

signature() { # of one set: its lock and the place of this folder (the .pth holds it)
  echo "$1 $(sha256sum "requirements/$1.txt" | cut -c1-64) $PWD"
}

installed() { [[ -x $VENV_PYTHON && -f $STAMP && $(<"$STAMP") == "$(signature "$1")" ]]; }

done_already() { installed dev || { [[ $wanted == run ]] && installed run; }; }

if done_already; then exit 0; fi
# Two terminals at once: the second waits for the first and finds everything there.
mkdir -p .make
exec 9>.make/setup.lock
if command -v flock >/dev/null && ! flock --nonblock 9; then
  echo "  another set-up is under way here; waiting for it"
  flock 9
fi
if done_already; then exit 0; fi
# A larger set that was there stays the larger one when its lock changes.
[[ -f $STAMP && $(<"$STAMP") == dev\ * ]] && wanted=dev

source dev/steps.sh
: >"$LOG"

find_python() {
  local found
  for found in "${PYTHON:-python3}" python3.11 python3.12 python3.13 python3; do
    if "$found" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$found"
      return
    fi
  done
  echo "Leadkeeper needs Python 3.11 or newer. On Debian: apt-get install -y python3 python3-venv" >&2
  return 1
}

make_venv() { # without pip: unpacking it takes longer than everything else here
  rm -rf .venv && "$python" -m venv --without-pip .venv
}

# pip COMMAND...: the machine's own pip, working inside .venv; where it is missing or too old, one of .venv's own.
pip() {
  if "$python" -m pip --python "$VENV_PYTHON" --version >/dev/null 2>&1; then
    "$python" -m pip --python "$VENV_PYTHON" "$@"
  elif $VENV_PYTHON -c 'import pip' 2>/dev/null || $VENV_PYTHON -m ensurepip --default-pip; then
    $VENV_PYTHON -m pip "$@"
  else
    echo "Python packages cannot be installed: pip is missing. Install it and run again:"
    echo "    apt-get install -y python3-pip python3-venv"
    return 1
  fi
}

install_uv() { pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/uv.txt; }

install_fast() {
  UV_PYTHON_DOWNLOADS=never .venv/bin/uv pip sync --python "$VENV_PYTHON" --require-hashes "requirements/$wanted.txt"
}

install_slowly() { pip install --quiet --disable-pip-version-check --require-hashes -r "requirements/$wanted.txt"; }

link_package() { # no build: this folder itself is put on the path
  local site
  site=$($VENV_PYTHON -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  echo "$PWD" >"$site/leadkeeper.pth"
}

add_command() {
  printf '#!/bin/sh\nexec "%s" -m leadkeeper "$@"\n' "$PWD/$VENV_PYTHON" >.venv/bin/leadkeeper
  chmod +x .venv/bin/leadkeeper
}

python=$(find_python)
rm -f "$STAMP"
if ! $VENV_PYTHON -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  step "virtual environment ($("$python" -V))" make_venv
fi
link_package
packages="$(grep -c '^[a-z0-9].*==' "requirements/$wanted.txt") packages"
if [[ -x .venv/bin/uv ]] || step "uv, the installer" install_uv; then
  step "$packages, checked by hash" install_fast
else
  echo "    uv cannot be had here; pip does the same, slower."
  step "$packages, checked by hash" install_slowly
fi
add_command
signature "$wanted" >"$STAMP"
