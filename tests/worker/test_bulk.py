"""A bulk run never delays what somebody waits for."""

import asyncio
from datetime import timedelta
from typing import Any

from leadkeeper.queue.jobs import Job, Lane
from leadkeeper.queue.outcomes import Done, Outcome
from tests.worker.conftest import Bench, Context


async def test_a_thousand_slow_bulk_jobs_in_hand_do_not_delay_an_inbound_message(bench: Bench, types: Any) -> None:
    let_go = asyncio.Event()
    loop = asyncio.get_running_loop()

    @types("slow")
    async def slow(ctx: Context, number: int) -> Outcome:
        bench.ran.append(number)
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(let_go.wait(), loop))
        return Done()

    @types("inbound")
    async def inbound(ctx: Context) -> Outcome:
        return Done()

    bench.enqueue(*(Job("slow", {"number": n}, priority=Lane.BULK) for n in range(1_000)))
    bench.worker(worker_slots=100)
    await bench.until(lambda: len(bench.ran) == 50)

    [message] = bench.enqueue(Job("inbound", {}, priority=Lane.INBOUND))
    await bench.until_status("completed", message)

    row = bench.row(message)
    assert row.completed_at - row.created_at < timedelta(milliseconds=500)
    assert len(bench.ran) == 50, "the other half of the slots stays free for what somebody waits for"

    let_go.set()
    await bench.until(lambda: all(row.status == "completed" for row in bench.rows()))
    assert sorted(bench.ran) == list(range(1_000))
