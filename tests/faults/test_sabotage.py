"""A safeguard that can be taken away without a test going red is not guarded: every one is taken away in turn."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.faults.sabotage import SWITCHES

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 600


def test_a_test_goes_red_without_each_safeguard() -> None:
    """One test for all, in a process of its own: what it forks from is loaded once."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.sabotage"],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.stdout, done.stderr
    came_to = {line["safeguard"]: line["cameTo"] for line in map(json.loads, done.stdout.splitlines())}

    assert came_to == {switch.name: "red" for switch in SWITCHES.values() if not switch.trial}, done.stderr
