"""An idle worker on SQLite has its claim in the commit that brings the job (docs/decisions/0027)."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from leadkeeper.queue import control
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.jobs import Job
from leadkeeper.queue.outcomes import Done, Outcome
from leadkeeper.store import database, migrate
from leadkeeper.store.database import Database
from tests.worker.conftest import Bench, Context


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    """SQLite alone: on PostgreSQL a claim is a transaction of its own."""
    db = Database(f"sqlite:///{tmp_path / 'leadkeeper.db'}")
    migrate.upgrade(db)
    yield db
    db.close()


async def test_a_job_is_claimed_by_the_commit_that_enqueues_it(bench: Bench, types: Any) -> None:
    release = asyncio.Event()

    @types("t")
    async def waiting(ctx: Context) -> Outcome:
        while not release.is_set():  # noqa: ASYNC110 - of another loop
            await asyncio.sleep(0.01)
        return Done()

    bench.worker()
    await bench.until(lambda: len(bench.db.rides._waiting) == 1)  # it has looked and gone to sleep

    job_id = await bench.db.write(enqueue, Job("t", {}))

    assert bench.row(job_id).status == "processing"
    assert bench.row(job_id).claim == 1
    release.set()
    await bench.until_status("completed", job_id)


async def test_a_worker_that_was_stopped_takes_nothing_along(bench: Bench, types: Any) -> None:
    @types("t")
    def plain(conn: Any, ctx: Context) -> Outcome:
        bench.ran.append(1)
        return Done()

    bench.worker()
    await bench.until(lambda: len(bench.db.rides._waiting) == 1)
    bench.db.write_now(control.choose, "stopped")
    await bench.until(lambda: [row.state for row in bench.db.read_now(control.live_workers)] == ["stopped"])

    job_id = await bench.db.write(enqueue, Job("t", {}))
    await asyncio.sleep(0.2)

    assert bench.row(job_id).status == "pending"
    assert bench.ran == []


async def test_when_the_commit_fails_the_claim_is_made_again(bench: Bench, types: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    @types("t")
    def plain(conn: Any, ctx: Context) -> Outcome:
        bench.ran.append(1)
        return Done()

    bench.worker(poll_seconds=600)
    await bench.until(lambda: len(bench.db.rides._waiting) == 1)
    commit = database._commit

    def fails(conn: Any) -> None:
        monkeypatch.setattr(database, "_commit", commit)
        raise OSError("the disk is gone")

    monkeypatch.setattr(database, "_commit", fails)
    with pytest.raises(OSError, match="the disk is gone"):
        await bench.db.write(enqueue, Job("t", {}))
    again = await bench.db.write(enqueue, Job("t", {}))

    await bench.until_status("completed", again)
    assert bench.ran == [1]
