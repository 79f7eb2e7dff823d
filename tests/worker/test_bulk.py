"""A bulk run never delays what somebody waits for, nor a slow account another one."""

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


async def test_two_thousand_sends_of_an_account_that_takes_twenty_seconds_do_not_delay_those_of_another(
    bench: Bench, types: Any
) -> None:
    @types("send_slowly")
    async def send_slowly(ctx: Context, number: int) -> Outcome:
        bench.ran.append(number)
        await asyncio.sleep(20)
        return Done()

    @types("send_well")
    async def send_well(ctx: Context) -> Outcome:
        return Done()

    async def p95() -> timedelta:
        ids = []
        for _ in range(60):
            ids += bench.enqueue(Job("send_well", {}, priority=Lane.REPLY, scope="account:2"))
            await asyncio.sleep(0.005)
        await bench.until_status("completed", *ids)
        waits = sorted(row.completed_at - row.created_at for row in bench.rows() if row.id in ids)
        return waits[int(len(waits) * 0.95)]

    bench.worker(worker_slots=100, grace=0.1)
    alone = await p95()
    bench.enqueue(
        *(Job("send_slowly", {"number": n}, key=f"out:{n}", priority=Lane.REPLY, scope="account:1") for n in range(2_000))
    )
    await bench.until(lambda: len(bench.ran) == 50)

    beside = await p95()

    assert beside < alone + timedelta(milliseconds=150), (alone, beside)
    assert len(bench.ran) == 50
