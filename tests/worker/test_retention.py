"""A worker lets finished jobs go between its steps, while it runs and not while it is stopped."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from leadkeeper.queue import control
from leadkeeper.queue.jobs import Job
from leadkeeper.queue.outcomes import Done, Outcome
from leadkeeper.queue.prune import Kept
from leadkeeper.worker import vacuum
from leadkeeper.worker.retention import MOST
from leadkeeper.worker.worker import Worker
from tests.patience import PATIENCE_SECONDS
from tests.worker.conftest import Bench

BRIEFLY = Kept(done=timedelta(0), look=timedelta(milliseconds=20))


def started(bench: Bench, kept: Kept) -> Worker:
    worker = Worker(bench.db, bench.settings(), bench, grace=5, kept=kept)
    bench.workers.append(worker)
    worker.start()
    assert worker.wait_until_arrived(PATIENCE_SECONDS)
    return worker


async def test_finished_jobs_leave_while_others_run(bench: Bench, types: Any) -> None:
    @types("noop")
    def noop(conn: Any, ctx: Any) -> Outcome:
        bench.ran.append(1)
        return Done()

    bench.enqueue(*(Job("noop", {}) for _ in range(2 * MOST + 10)))
    started(bench, BRIEFLY)

    await bench.until(lambda: not bench.rows())
    assert len(bench.ran) == 2 * MOST + 10


async def test_nothing_leaves_while_the_worker_is_stopped(bench: Bench, types: Any) -> None:
    @types("noop")
    def noop(conn: Any, ctx: Any) -> Outcome:
        return Done()

    [job] = bench.enqueue(Job("noop", {}))
    first = bench.worker()
    await bench.until_status("completed", job)
    await asyncio.to_thread(first.stop)
    bench.db.write_now(control.choose, "stopped")

    started(bench, BRIEFLY)
    await asyncio.sleep(0.2)
    assert [row.id for row in bench.rows()] == [job]

    bench.db.write_now(control.choose, "running")
    await bench.until(lambda: not bench.rows())


async def test_dead_rows_are_swept_behind_a_burst(bench: Bench, types: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    @types("noop")
    def noop(conn: Any, ctx: Any) -> Outcome:
        return Done()

    monkeypatch.setattr(vacuum, "EVERY_JOBS", 100)
    monkeypatch.setattr(vacuum, "LOOK_SECONDS", 0.05)
    bench.worker()

    ids = bench.enqueue(*(Job("noop", {}) for _ in range(200)))
    await bench.until_status("completed", ids[-1])

    if bench.db.dialect == "postgresql":  # SQLite has no dead rows
        query = text("select vacuum_count from pg_stat_user_tables where relname = 'automation_jobs'")
        await bench.until(lambda: bench.db.read_now(lambda conn: conn.execute(query).scalar_one()) > 0)
