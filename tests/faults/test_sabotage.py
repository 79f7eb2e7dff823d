"""A safeguard that can be taken away without a test going red is not guarded: every one is taken away in turn."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.sabotage import SWITCHES

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 600


@pytest.fixture(scope="module")
def came_to() -> dict[str, str]:
    """What the test of each safeguard came to without it. A process of its own: it forks."""
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
    return {line["safeguard"]: f"{line['cameTo']}" for line in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("name", [switch.name for switch in SWITCHES.values() if not switch.trial])
def test_a_test_goes_red_without(name: str, came_to: dict[str, str]) -> None:
    assert came_to[name] == "red"
