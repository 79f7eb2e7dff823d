"""`leadkeeper prove` as a whole, with small crowds: real server, worker and provider, a kill -9 included."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from leadkeeper.cli.proof.claim import Claim
from leadkeeper.cli.proof.run import _tried
from leadkeeper.cli.proof.stage import Stage
from leadkeeper.errors import Unavailable
from tests.cli.processes import environment


def run_prove(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "leadkeeper", "prove", *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment(settings), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=280,
        check=False,
    )  # fmt: skip


def test_every_claim_is_tried_and_holds_on_this_engine(database_url: str, tmp_path: Path) -> None:
    db = "sqlite" if database_url.startswith("sqlite") else "postgres"

    done = run_prove(tmp_path, "--db", db, "--scale", "0.1", DATABASE_URL=database_url, DATA_DIR=str(tmp_path / "data"))

    (report,) = (tmp_path / "data" / "prove").glob("*.json")
    told = json.loads(report.read_text())
    wrong = [check for claim in told["claims"] for check in claim["checks"] if not check["holds"]]
    assert (done.returncode, wrong) == (0, []), done.stderr
    assert [claim["number"] for claim in told["claims"]] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert all(len(claim["checks"]) > 3 for claim in told["claims"])
    assert set(told["figures"]) >= {"answers_per_second", "pick_up_p50_ms", "ack_p99_ms", "memory_mb"}
    assert told["settings"]["LEADKEEPER_WORKER_SLOTS (for one start)"] == "1"
    assert "8 of 8 claims hold" in done.stdout
    assert (tmp_path / "data" / "prove" / "last.db").exists() == (db == "sqlite")


@pytest.mark.parametrize("fault", [Unavailable("waited 10 s in vain"), KeyError("jobId")])
def test_a_claim_that_breaks_off_does_not_hold_and_says_why(fault: Exception) -> None:
    def act(stage: Stage, claim: Claim) -> None:
        claim.check("something that was fine", 1, 1)
        raise fault

    claim = _tried(None, Claim(1, "Broken off"), act)  # type: ignore[arg-type]

    assert not claim.holds
    assert "vain" in claim.checks[-1].found or "KeyError" in claim.checks[-1].found
