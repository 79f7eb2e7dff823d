"""As an operator lives it: a burst, a backup in the middle of it, the folder destroyed, the backup put back, Start pressed.

What is written after that is answered as ever.
"""

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from leadkeeper.cli.proof import rows
from leadkeeper.cli.proof.ledger import IN_DOUBT
from leadkeeper.cli.proof.stage import Stage
from leadkeeper.crm.audit import audit
from leadkeeper.knowledge import documents
from leadkeeper.queue import control
from leadkeeper.store.database import Database
from tests.cli.archive.conftest import drop_tables
from tests.cli.processes import environment

SENDERS = [f"97155400{number:04d}" for number in range(60)]
LATE = "971554009999"
FAQ = "question,answer\nWhat are your opening hours?,We are open Monday to Friday from 9:00 to 20:00.\n"


@pytest.fixture
def stage(database_url: str, tmp_path: Path) -> Iterator[Stage]:
    place = Stage(tmp_path, database_url)
    yield place
    place.close()


def command(stage: Stage, *arguments: str) -> dict[str, object]:
    """A command of the installation, which has to succeed."""
    settings = {name.removeprefix("LEADKEEPER_"): value for name, value in stage.settings.items()}
    done = subprocess.run(
        [sys.executable, "-m", "leadkeeper", *arguments, "--json"], env=environment(settings), capture_output=True, text=True,
        cwd=stage.folder, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    told: dict[str, object] = json.loads(done.stdout)
    return told


def destroy(stage: Stage) -> None:
    """The disk is gone, and so is the database."""
    if stage._db is not None:
        stage._db.close()
        stage._db = None
    shutil.rmtree(stage.folder / "data")
    if stage.database_url.startswith("postgresql"):
        db = Database(stage.database_url)
        drop_tables(db)
        db.close()


def test_after_the_worst_day_nobody_is_answered_twice_and_nobody_is_forgotten(stage: Stage) -> None:
    stage.start(LEADKEEPER_WORKER_SLOTS="4")
    stage.write(partial(documents.add, new=documents.NewDocument(title="Questions", content=FAQ, type="faq", format="csv")))
    stage.behave(latencyMs=300)
    stage.crowd_says([{"from": sender, "text": "What are your opening hours?"} for sender in SENDERS])
    stage.wait(lambda: len(stage.heard()) > 8, 60, "the first answers")
    backup = command(stage, "backup", "--to", str(stage.folder / "elsewhere"))
    stage.wait(lambda: len(stage.heard()) >= len(SENDERS) or stage.rows(rows.unfinished) == 0, 60, "more answers")
    stage.kill()
    before = Counter(call.to for call in stage.heard())

    destroy(stage)
    restored = command(stage, "restore", str(backup["file"]))
    stage.start()
    waits = stage.rows(control.paused_because), len(stage.heard())
    stage.log_in()
    stage.api("POST", "/api/admin/automation/worker", json={"action": "start"})
    stage.wait(lambda: stage.rows(rows.unfinished) == 0, 60, "everything due to be done")

    found = stage.rows(audit)
    after = Counter(call.to for call in stage.heard())
    people = stage.rows(partial(rows.people, prefix="97155400"))
    stage.says(LATE, "What are your opening hours?")
    stage.wait(lambda: len(stage.heard()) > after.total(), 60, "the answer to the late one")
    assert restored["ok"]
    assert waits == ("restored", sum(before.values()))
    assert after == before, "nothing was said after the restore"
    assert max(after.values()) == 1
    assert found.clean, found.findings
    for sender in people:
        told = people[sender]
        doubt = any(one.state in IN_DOUBT for one in told.outbound)
        assert doubt or told.outcomes in (("answered",), ("handed_over",)), (sender, told)
        assert sum(one.state not in (*IN_DOUBT, "cancelled") for one in told.outbound) <= 1
    assert Counter(call.to for call in stage.heard()) == after + Counter([LATE])
