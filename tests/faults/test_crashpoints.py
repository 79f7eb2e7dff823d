"""A process may be killed anywhere: nothing is lost, nothing is sent twice, and what is not known is said to be so."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from leadkeeper.cli.faults.crashpoints import labels

PATIENCE_SECONDS = 300


def faults(folder: Path, *arguments: str, **environment: str) -> dict[str, object]:
    """The summary of a trial that ran in a process of its own: it forks, which a process with threads cannot."""
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
    summary: dict[str, object] = json.loads(done.stdout)
    assert (summary["findings"], done.returncode) == ([], 0), done.stdout + done.stderr
    return summary


@pytest.mark.parametrize("kills", [{"sqlite": 80, "postgresql": 30}])
def test_wherever_it_is_killed_nothing_is_lost_and_nothing_sent_twice(
    database_url: str, tmp_path: Path, kills: dict[str, int]
) -> None:
    engine = database_url.partition(":")[0]
    where = {} if engine == "sqlite" else {"LEADKEEPER_DATABASE_URL": database_url}

    db = "sqlite" if engine == "sqlite" else "postgres"
    summary = faults(tmp_path, "crashpoints", "--db", db, "--kills", str(kills[engine]), **where)

    assert summary["done"] == kills[engine]


def test_there_are_labels_from_the_webhook_to_the_receipt() -> None:
    parts = {label.partition(".")[0] for label in labels()}

    assert len(labels()) >= 40
    assert parts >= {
        "ingest", "enqueue", "claim", "pump", "run", "inbound", "decide", "reply", "intent", "call", "record", "finish",
        "promote", "timers", "statuses", "boot", "rescue", "renew", "commit",
    }  # fmt: skip
