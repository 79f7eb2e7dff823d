"""Workers come, stop, die and are replaced; jobs survive all of it and run once."""

import asyncio
import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, update

from leadkeeper import clock
from leadkeeper.queue import control, lanes
from leadkeeper.queue.jobs import Job
from leadkeeper.queue.outcomes import Done, Outcome
from leadkeeper.store import hints
from leadkeeper.store.database import Database
from leadkeeper.store.schema import jobs
from tests.worker.conftest import Bench, Context


def add_noop(bench: Bench, types: Any) -> None:
    @types("noop")
    def noop(conn: Connection, ctx: Context, number: int = 0) -> Outcome:
        bench.ran.append(number)
        return Done()


def left_processing(bench: Bench, worker: str, *, lease: timedelta, losses: int = 0, attempts: int = 1) -> int:
    """A job some worker was running when it was last heard of."""
    now = clock.now()
    row = {"type": "noop", "data": {}, "status": "processing", "run_at": now, "head": True, "attempts": attempts}
    row |= {"claim": 1, "worker": worker, "lease_until": now + lease, "created_at": now, "started_at": now, "losses": losses}
    return int(bench.db.write_now(lambda conn: conn.execute(insert(jobs).values(**row).returning(jobs.c.id)).scalar_one()))


def state(bench: Bench) -> list[str]:
    return [worker.state for worker in bench.db.read_now(control.live_workers)]


async def test_a_worker_is_a_row_with_a_fresh_heartbeat_and_running_when_nobody_has_chosen(bench: Bench, types: Any) -> None:
    worker = bench.worker()
    await bench.until(lambda: bench.db.read_now(control.is_running))

    assert [row.id for row in bench.db.read_now(control.live_workers)] == [worker.id]

    await asyncio.to_thread(worker.stop)
    assert bench.db.read_now(control.live_workers) == []
    assert not bench.db.read_now(control.is_running)


async def test_stop_and_start_act_at_once_and_are_idempotent(bench: Bench, types: Any) -> None:
    add_noop(bench, types)
    bench.worker()
    await bench.until(lambda: state(bench) == ["running"])

    await bench.db.write(control.choose, "stopped", None)
    await bench.db.write(control.choose, "stopped", None)
    await bench.until(lambda: state(bench) == ["stopped"])
    [job_id] = bench.enqueue(Job("noop", {}))
    await asyncio.sleep(0.3)
    assert bench.row(job_id).status == "pending"
    assert not bench.db.read_now(control.is_running)

    await bench.db.write(control.choose, "running", None)
    await bench.until_status("completed", job_id)
    await bench.until(lambda: bench.db.read_now(control.is_running))


async def test_stop_lets_running_jobs_finish_and_gives_back_what_does_not_end(bench: Bench, types: Any) -> None:
    stopping = threading.Event()

    @types("short")
    async def short(ctx: Context) -> Outcome:
        bench.ran.append("short")
        while not stopping.is_set():  # noqa: ASYNC110 - another thread says so
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        return Done()

    @types("endless")
    async def endless(ctx: Context) -> Outcome:
        bench.ran.append("endless")
        await asyncio.sleep(600)
        return Done()

    worker = bench.worker(grace=1.5)
    short_id, endless_id = bench.enqueue(Job("short", {}), Job("endless", {}))
    await bench.until(lambda: len(bench.ran) == 2)

    stopping.set()
    await asyncio.to_thread(worker.stop)

    assert bench.row(short_id).status == "completed"
    row = bench.row(endless_id)
    assert (row.status, row.attempts, row.losses) == ("pending", 0, 0)


async def test_jobs_whose_lease_ran_out_are_taken_over(bench: Bench, types: Any) -> None:
    add_noop(bench, types)
    job_id = left_processing(bench, "a worker elsewhere", lease=timedelta(seconds=-1))

    bench.worker()

    await bench.until_status("completed", job_id)
    assert bench.row(job_id).attempts == 1


async def test_leases_are_renewed_while_the_event_loop_is_blocked(bench: Bench, types: Any) -> None:
    @types("blocks")
    async def blocks(ctx: Context) -> Outcome:
        bench.ran.append(1)
        clock.sleep_until_tick(5)  # longer than the lease of 3 s
        bench.ran.append(ctx.still_ours(0.5))
        return Done()

    bench.worker()
    other = Database(str(bench.db.url.render_as_string(hide_password=False)).replace("+pysqlite", "").replace("+psycopg", ""))
    bench.worker(db=other)
    [job_id] = bench.enqueue(Job("blocks", {}))

    await bench.until_status("completed", job_id)

    assert bench.ran == [1, True]
    assert bench.row(job_id).claim == 1
    for worker in bench.workers:
        await asyncio.to_thread(worker.stop)
    other.close()


async def test_a_job_that_was_lost_is_ended_here(bench: Bench, types: Any) -> None:
    ended = threading.Event()

    @types("long")
    async def long(ctx: Context) -> Outcome:
        bench.ran.append(1)
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        return Done()

    bench.worker()
    [job_id] = bench.enqueue(Job("long", {}))
    await bench.until(lambda: bool(bench.ran))

    def take_away(conn: Connection) -> None:
        stolen = {"claim": jobs.c.claim + 1, "worker": "another", "lease_until": clock.now() + timedelta(hours=1)}
        conn.execute(update(jobs).where(jobs.c.id == job_id).values(**stolen))

    await bench.db.write(take_away)

    await bench.until(ended.is_set)
    assert bench.row(job_id).worker == "another"


async def test_after_two_losses_a_job_runs_alone_and_then_losses_count(bench: Bench, types: Any) -> None:
    together: list[int] = []
    running: set[int] = set()

    async def _run(ctx: Context) -> Outcome:
        running.add(ctx.job.id)
        together.append(len(running) if poison in running else 0)
        await asyncio.sleep(0.05)
        together.append(len(running) if poison in running else 0)
        running.discard(ctx.job.id)
        return Done()

    @types("noop")
    async def noop(ctx: Context) -> Outcome:
        return await _run(ctx)

    poison = left_processing(bench, "dead", lease=timedelta(seconds=-1), losses=1)
    ids = bench.enqueue(*(Job("noop", {}) for _ in range(30)))
    bench.worker(worker_slots=5)

    await bench.until_status("completed", poison, *ids)
    assert max(together) == 1

    last = left_processing(bench, "dead", lease=timedelta(seconds=-1), losses=5, attempts=4)
    await bench.until_status("failed", last)
    assert "worker lost" in bench.row(last).error


async def test_jobs_that_run_alone_follow_each_other_and_the_others_at_once(bench: Bench, types: Any) -> None:
    add_noop(bench, types)
    alone = [left_processing(bench, "dead", lease=timedelta(seconds=-1), losses=1) for _ in range(40)]
    others = bench.enqueue(*(Job("noop", {}) for _ in range(40)))

    bench.worker(worker_slots=5, batch_size=5)
    await bench.until_status("completed", *alone, *others)

    started = {job_id: bench.row(job_id).started_at for job_id in [*alone, *others]}
    assert max(started.values()) - min(started.values()) < timedelta(seconds=20), "one look a second would take 40"
    first_alone, last_alone = min(started[job_id] for job_id in alone), max(started[job_id] for job_id in alone)
    assert any(first_alone < started[job_id] < last_alone for job_id in others), "neither waits for all of the other"


async def test_two_workers_on_one_database_run_every_job_once(bench: Bench, types: Any) -> None:
    add_noop(bench, types)
    url = bench.db.url.set(drivername=bench.db.dialect).render_as_string(hide_password=False)
    other = Database(url)
    bench.worker(worker_slots=20, batch_size=10)
    bench.worker(db=other, worker_slots=20, batch_size=10)

    ids = bench.enqueue(*(Job("noop", {"number": n}, key=f"k{n % 25}" if n % 2 else None) for n in range(400)))
    await bench.until(lambda: all(row.status == "completed" for row in bench.rows()))

    assert sorted(bench.ran) == list(range(400))
    assert len(ids) == 400
    for worker in bench.workers:
        await asyncio.to_thread(worker.stop)
    other.close()


async def test_a_worker_hears_what_another_process_enqueues(bench: Bench, types: Any) -> None:
    add_noop(bench, types)
    url = bench.db.url.set(drivername=bench.db.dialect).render_as_string(hide_password=False)
    elsewhere = Database(url)
    quiet = hints.start(elsewhere)  # the worker itself listens
    bench.worker(poll_seconds=600)
    await bench.until(lambda: state(bench) == ["running"])
    await asyncio.sleep(0.5)

    from leadkeeper.queue.enqueue import enqueue

    job_id = await elsewhere.write(enqueue, Job("noop", {}))

    await bench.until_status("completed", job_id)
    quiet()
    elsewhere.close()


async def test_still_ours_ends_with_the_lease(bench: Bench, types: Any) -> None:
    @types("asks")
    async def asks(ctx: Context) -> Outcome:
        bench.ran += [ctx.still_ours(0.1), ctx.still_ours(60)]
        return Done()

    bench.worker()
    [job_id] = bench.enqueue(Job("asks", {}))
    await bench.until_status("completed", job_id)

    assert bench.ran == [True, False]


async def test_when_looking_is_slow_followers_and_what_comes_out_of_order_are_still_found(
    bench: Bench, types: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_noop(bench, types)
    monkeypatch.setattr(lanes, "SLOW_SECONDS", -1.0)
    monkeypatch.setattr(lanes, "RESTS", 200)
    hour_ago = clock.now() - timedelta(hours=1)
    with clock.use(lambda: hour_ago):
        followers = bench.enqueue(*(Job("noop", {}, key=f"k{number % 3}") for number in range(60)))
    bench.worker()
    await bench.until_status("completed", *followers)

    late = bench.enqueue(*(Job("noop", {}, run_at=hour_ago) for _ in range(5)))
    await bench.until_status("completed", *late)
