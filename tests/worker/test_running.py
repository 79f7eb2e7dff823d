"""What a worker does with jobs of both colours, good and bad."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text

from leadkeeper import clock
from leadkeeper.queue.cancel import cancel
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.jobs import Job
from leadkeeper.queue.outcomes import Done, Fail, Outcome
from leadkeeper.store import settings_rows
from tests.worker.conftest import Bench, Context, note


async def test_def_and_async_handlers_run_and_complete(bench: Bench, types: Any) -> None:
    @types("t_def")
    def plain(conn: Connection, ctx: Context, number: int) -> Outcome:
        bench.ran.append(number)
        return Done()

    @types("t_async")
    async def waiting(ctx: Context, number: int) -> Outcome:
        await asyncio.sleep(0)
        bench.ran.append(number)
        return Done(then=lambda conn: note(conn, "then"))

    bench.worker()
    ids = bench.enqueue(Job("t_def", {"number": 1}), Job("t_async", {"number": 2}))

    await bench.until_status("completed", *ids)

    assert sorted(bench.ran) == [1, 2]
    assert bench.db.read_now(settings_rows.get, "then") is True


async def test_with_one_slot_and_batch_one_jobs_start_strictly_by_priority(bench: Bench, types: Any) -> None:
    @types("t")
    def plain(conn: Connection, ctx: Context, number: int) -> Outcome:
        bench.ran.append(ctx.job.priority)
        return Done()

    ids = bench.enqueue(*(Job("t", {"number": n}, priority=(n * 37) % 91) for n in range(30)))
    bench.worker(batch_size=1, worker_slots=1)

    await bench.until_status("completed", *ids)

    assert bench.ran == sorted(bench.ran)


async def test_jobs_of_one_key_run_one_at_a_time_in_order(bench: Bench, types: Any) -> None:
    @types("t")
    async def waiting(ctx: Context, key: str, number: int) -> Outcome:
        bench.ran.append((key, number, "in"))
        await asyncio.sleep(0.002)
        bench.ran.append((key, number, "out"))
        return Done()

    wanted = [Job("t", {"key": f"k{n % 3}", "number": n}, key=f"k{n % 3}") for n in range(30)]
    bench.worker()
    ids = bench.enqueue(*wanted)

    await bench.until_status("completed", *ids)

    for key in ("k0", "k1", "k2"):
        steps = [(number, step) for name, number, step in bench.ran if name == key]
        assert steps == [(number, step) for number in range(int(key[1]), 30, 3) for step in ("in", "out")]


async def test_one_handler_that_raises_does_not_take_its_neighbours_effects_along(bench: Bench, types: Any) -> None:
    @types("t", retries=0)
    def plain(conn: Connection, ctx: Context, number: int) -> Outcome:
        note(conn, f"effect {number}")
        if number == 3:
            raise ValueError("three")
        return Done()

    ids = bench.enqueue(*(Job("t", {"number": n}) for n in range(6)))
    bench.worker()
    await bench.until_status("failed", ids[3])
    await bench.until_status("completed", *ids[:3], *ids[4:])

    kept = set(bench.db.read_now(settings_rows.load))

    assert {name for name in kept if name.startswith("effect")} == {f"effect {n}" for n in range(6) if n != 3}
    assert bench.row(ids[3]).error == "ValueError: three"


async def test_a_broken_statement_in_a_handler_fails_that_job_not_the_loop(bench: Bench, types: Any) -> None:
    @types("t", retries=0)
    def broken(conn: Connection, ctx: Context) -> Outcome:
        conn.execute(text("select no_such_column from automation_jobs"))
        return Done()

    @types("fine")
    def fine(conn: Connection, ctx: Context) -> Outcome:
        return Done()

    bad, good = bench.enqueue(Job("t", {}), Job("fine", {}))
    bench.worker()

    await bench.until_status("failed", bad)
    await bench.until_status("completed", good)


async def test_a_raising_handler_is_tried_four_times_with_back_off(bench: Bench, types: Any) -> None:
    @types("t")
    async def waiting(ctx: Context) -> Outcome:
        bench.ran.append(clock.monotonic())
        raise ConnectionError("provider is down")

    bench.worker(backoff_seconds=0.02)
    [job_id] = bench.enqueue(Job("t", {}))

    await bench.until_status("failed", job_id)

    assert len(bench.ran) == 4
    waits = [after - before for before, after in zip(bench.ran, bench.ran[1:], strict=False)]
    assert all(wait >= 0.02 * 4**tried * 0.8 for tried, wait in enumerate(waits))


async def test_an_inbound_job_that_raises_is_tried_again_without_back_off_and_lets_the_next_in(bench: Bench, types: Any) -> None:
    @types("t", at_once=True, when_failed=lambda conn, job, error: note(conn, f"failed {job.id}"))
    def plain(conn: Connection, ctx: Context, number: int) -> Outcome:
        bench.ran.append(number)
        if number == 1:
            raise ValueError("poison")
        return Done()

    bench.worker(backoff_seconds=3600)
    bad, good = bench.enqueue(Job("t", {"number": 1}, key="in:1"), Job("t", {"number": 2}, key="in:1"))

    await bench.until_status("completed", good)

    assert bench.row(bad).status == "failed"
    assert bench.ran[-1] == 2 and bench.ran.count(2) == 1
    assert bench.db.read_now(settings_rows.get, f"failed {bad}") is True
    assert bench.row(bad).attempts == 4


async def test_a_handler_past_its_deadline_is_ended_and_retried(bench: Bench, types: Any) -> None:
    @types("t", retries=0, deadline=timedelta(milliseconds=50))
    async def waiting(ctx: Context) -> Outcome:
        await asyncio.sleep(60)
        return Done()

    bench.worker()
    [job_id] = bench.enqueue(Job("t", {}))

    await bench.until_status("failed", job_id)

    assert bench.row(job_id).error == "no result within 0.05 s"


@pytest.mark.parametrize("colour", ["def", "async"])
async def test_a_handler_that_returns_no_outcome_has_failed(bench: Bench, types: Any, colour: str) -> None:
    @types("def")
    def plain(conn: Connection, ctx: Context) -> Any:
        return None

    @types("async")
    async def waiting(ctx: Context) -> Any:
        return None

    bench.worker()
    [job_id] = bench.enqueue(Job(colour, {}))

    await bench.until_status("failed", job_id)

    assert "no outcome" in bench.row(job_id).error


async def test_a_then_that_raises_is_the_failure_of_that_try(bench: Bench, types: Any) -> None:
    def boom(conn: Connection) -> None:
        note(conn, "half")
        raise RuntimeError("then broke")

    @types("t", retries=0)
    async def waiting(ctx: Context, number: int) -> Outcome:
        return Done(then=boom if number == 1 else None)

    bench.worker()
    bad, good = bench.enqueue(Job("t", {"number": 1}), Job("t", {"number": 2}))

    await bench.until_status("failed", bad)
    await bench.until_status("completed", good)

    assert bench.row(bad).error == "RuntimeError: then broke"
    assert bench.db.read_now(settings_rows.get, "half") is None


async def test_a_when_failed_that_raises_cannot_keep_its_job_alive(bench: Bench, types: Any) -> None:
    def boom(conn: Connection, job: object, error: str) -> None:
        raise RuntimeError("cannot settle")

    @types("t", when_failed=boom)
    def plain(conn: Connection, ctx: Context) -> Outcome:
        return Fail("no")

    bench.worker()
    [job_id] = bench.enqueue(Job("t", {}))

    await bench.until_status("failed", job_id)

    assert "cannot settle" in bench.row(job_id).error


async def test_a_handler_enqueues_and_the_chain_runs_on(bench: Bench, types: Any) -> None:
    @types("t")
    def plain(conn: Connection, ctx: Context, left: int) -> Outcome:
        bench.ran.append(left)
        if left:
            enqueue(conn, Job("t", {"left": left - 1}, key="chain"))
        return Done()

    bench.worker(poll_seconds=30)
    bench.enqueue(Job("t", {"left": 5}, key="chain"))

    await bench.until(lambda: bench.ran == [5, 4, 3, 2, 1, 0])


async def test_a_job_of_the_near_future_starts_on_time_without_a_poll(bench: Bench, types: Any) -> None:
    @types("t")
    def plain(conn: Connection, ctx: Context) -> Outcome:
        bench.ran.append(clock.now())
        return Done()

    bench.worker(poll_seconds=600)
    due = clock.now() + timedelta(seconds=1)
    [job_id] = bench.enqueue(Job("t", {}, run_at=due))

    await bench.until_status("completed", job_id)

    assert timedelta(0) <= bench.ran[0] - due < timedelta(seconds=5)


async def test_a_person_cancels_a_running_job(bench: Bench, types: Any) -> None:
    @types("t", when_failed=lambda conn, job, error: note(conn, f"settled {job.id}"))
    async def waiting(ctx: Context) -> Outcome:
        bench.ran.append(1)
        await asyncio.sleep(60)
        return Done()

    bench.worker()
    [job_id] = bench.enqueue(Job("t", {}))
    await bench.until(lambda: bool(bench.ran))

    await bench.db.write(cancel, [job_id], "not wanted")
    await bench.until_status("cancelled", job_id)

    assert bench.db.read_now(settings_rows.get, f"settled {job_id}") is True
