"""sabotage: every safeguard is taken away in turn, and a test must go red.

The switches exist in the project's tests only, so this runs in a checkout: `tests/faults/sabotage.py` does the work.
"""

import json
import subprocess
import sys
from pathlib import Path

from leadkeeper.cli.faults.trial import Trial
from leadkeeper.errors import Misconfigured

ROOT = Path(__file__).resolve().parents[3]


def run(trial: Trial) -> None:
    """Take away whatever can be. Raises Misconfigured where the tests are not there."""
    if not (ROOT / "tests" / "faults" / "switches.py").exists():
        raise Misconfigured("the safeguards' switches are in the project's tests: run this in a checkout")
    command = [sys.executable, "-m", "tests.faults.sabotage", "--long"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as running:  # noqa: S603
        for line in running.stdout or ():
            told = json.loads(line)
            trial.wanted += 1
            trial.step()
            if told["cameTo"] != "red":
                trial.find(f"nobody missed {told['safeguard']}: {told['test']} is {told['cameTo']}")
    if not trial.done:
        trial.find("no safeguard was taken away")
