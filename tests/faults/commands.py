"""`leadkeeper faults` as a person calls it: in a process of its own, for a process with threads cannot fork what it forks."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 600


def engine_of(url: str) -> tuple[str, dict[str, str]]:
    """The engine's name for `--db`, and the setting that names its server."""
    if url.startswith("sqlite"):
        return "sqlite", {}
    return "postgres", {"LEADKEEPER_DATABASE_URL": url}


def faults(folder: Path, *arguments: str, finds: bool = False, **environment: str) -> dict[str, Any]:
    """The summary of a trial. Unless it is meant to, it finds nothing."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LEADKEEPER_", "AUTOPILOT_"))}
    done = subprocess.run(
        [sys.executable, "-m", "leadkeeper", "faults", *arguments, "--json"],
        cwd=folder,
        env={**kept, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    assert (bool(summary["findings"]), done.returncode) == (finds, int(finds)), done.stdout + done.stderr
    return summary
