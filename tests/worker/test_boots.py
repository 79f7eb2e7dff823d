"""Boots: what a worker does when it comes up, and what it makes of those before it."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select

from leadkeeper import clock
from leadkeeper.queue import control, timers
from leadkeeper.queue.jobs import Job
from leadkeeper.queue.timers import Schedule
from leadkeeper.store import settings_rows
from leadkeeper.store.schema import schedules
from leadkeeper.worker.identity import Identity
from tests.worker.conftest import Bench
from tests.worker.test_lives import add_noop, left_processing, state


async def test_auto_start_false_holds_this_boots_worker_until_the_next_start(bench: Bench, types: Any) -> None:
    add_noop(bench, types)
    await bench.db.write(control.choose, "running", None)
    bench.worker(worker_auto_start=False)
    [job_id] = bench.enqueue(Job("noop", {}))
    await asyncio.sleep(1.2)
    assert state(bench) == ["stopped"]
    assert bench.row(job_id).status == "pending"
    assert bench.db.read_now(control.desired) == "running"  # not written

    await bench.db.write(control.choose, "running", None)

    await bench.until_status("completed", job_id)


async def test_the_hold_outlives_a_restart_by_the_supervisor(bench: Bench, types: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("LEADKEEPER_BOOT", "one-start-of-the-program.")
    first = bench.worker(worker_auto_start=False)
    await asyncio.to_thread(first.stop)
    second = bench.worker(worker_auto_start=False)
    await bench.until(lambda: state(bench) == ["stopped"])
    await bench.db.write(control.choose, "running", None)
    await bench.until(lambda: state(bench) == ["running"])
    await asyncio.to_thread(second.stop)

    bench.worker(worker_auto_start=False)

    await bench.until(lambda: state(bench) == ["running"])  # Start has ended the hold of this boot


async def test_boots_that_are_not_held_do_not_push_one_that_is_out_of_memory(bench: Bench, types: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("LEADKEEPER_BOOT", "held.")
    await asyncio.to_thread(bench.worker(worker_auto_start=False).stop)
    before = bench.db.read_now(settings_rows.load)["worker.boots"]

    monkeypatch.setenv("LEADKEEPER_BOOT", "not-held.")
    await asyncio.to_thread(bench.worker().stop)

    assert bench.db.read_now(settings_rows.load)["worker.boots"] == before == [["held", 0]]


async def test_auto_start_true_does_not_override_an_operators_stop(bench: Bench, types: Any) -> None:
    await bench.db.write(control.choose, "stopped", None)

    bench.worker(worker_auto_start=True)

    await asyncio.sleep(1.0)
    assert state(bench) == ["stopped"]


async def test_recurring_work_moves_with_the_time_zone_that_is_chosen(bench: Bench, types: Any) -> None:
    daily = Schedule("daily", "0 9 * * *", "noop")
    bench.db.write_now(timers.ensure, [daily], ZoneInfo("UTC"))
    bench.worker()

    await bench.db.write(settings_rows.save, "timezone", "Asia/Dubai")

    def next_at() -> datetime:
        return bench.db.read_now(lambda conn: conn.execute(select(schedules.c.next_at)).scalar_one())

    await bench.until(lambda: next_at().hour == 5)
    assert next_at() == timers.following("0 9 * * *", clock.now(), ZoneInfo("Asia/Dubai"))


async def test_jobs_of_a_dead_worker_of_this_host_are_orphans_at_once(bench: Bench, types: Any) -> None:
    add_noop(bench, types)
    dead = Identity(bench.data_dir)
    job_id = left_processing(bench, dead.id, lease=timedelta(hours=1))
    assert dead._file is not None
    dead._file.close()  # the kernel drops the lock of a process that has died

    bench.worker()

    await bench.until_status("completed", job_id)
    assert not (dead.folder / f"{dead.id}.lock").exists()
    assert bench.row(job_id).losses == 1


async def test_a_worker_that_died_on_this_host_is_no_longer_told_as_running(bench: Bench, types: Any) -> None:
    dead, now = Identity(bench.data_dir), clock.now()
    bench.db.write_now(control.beat, control.WorkerRow(dead.id, "here", 1, "0", "running", 0, 0, now, now))
    assert dead._file is not None
    dead._file.close()

    worker = bench.worker(worker_auto_start=False)

    await bench.until(lambda: [row.id for row in bench.db.read_now(control.live_workers)] == [worker.id])
    assert not bench.db.read_now(control.is_running)


async def test_jobs_of_a_living_worker_are_left_alone(bench: Bench, types: Any) -> None:
    add_noop(bench, types)
    alive = Identity(bench.data_dir)
    job_id = left_processing(bench, alive.id, lease=timedelta(hours=1))

    bench.worker()
    await asyncio.sleep(1.5)

    assert bench.row(job_id).status == "processing"
    alive.give_up()
