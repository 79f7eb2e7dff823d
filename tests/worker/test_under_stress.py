"""Many jobs at once, and a database that goes away under them."""

import asyncio
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, text

from leadkeeper.queue.jobs import Job
from leadkeeper.queue.outcomes import Done, Outcome, Retry
from leadkeeper.store import settings_rows
from tests.worker.conftest import Bench, Context


async def test_a_burst_of_mixed_jobs_is_drained_completely(bench: Bench, types: Any) -> None:
    @types("d")
    def plain(conn: Connection, ctx: Context, number: int) -> Outcome:
        return Retry("once more", after=timedelta(0)) if number % 50 == 0 and ctx.job.attempts == 1 else Done()

    @types("a")
    async def waiting(ctx: Context, number: int) -> Outcome:
        return Done()

    bench.worker(worker_slots=100, batch_size=50)
    ids = bench.enqueue(*(Job("d" if n % 2 else "a", {"number": n}, key=f"k{n % 40}" if n % 3 else None) for n in range(600)))

    await bench.until_status("completed", *ids[-1:])
    await bench.until(lambda: all(row.status == "completed" for row in bench.rows()))


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_database_that_drops_every_connection_costs_no_try_and_doubles_no_effect(bench: Bench, types: Any) -> None:
    @types("t")
    def plain(conn: Connection, ctx: Context, number: int) -> Outcome:
        bench.ran.append(number)
        times = settings_rows.get(conn, f"effect {number}", 0)
        settings_rows.save(conn, f"effect {number}", times + 1)
        return Done()

    bench.worker(batch_size=20)
    await bench.db.write(lambda conn: conn.execute(text("select 1")))
    ids = bench.enqueue(*(Job("t", {"number": n}) for n in range(300)))
    for _ in range(5):
        await asyncio.sleep(0.2)
        await asyncio.to_thread(drop_connections, bench)

    await bench.until(lambda: settled(bench, ids))

    effects = {name: value for name, value in bench.db.read_now(settings_rows.load).items() if name.startswith("effect")}
    assert len(effects) == 300 and set(effects.values()) == {1}
    assert all(row.attempts == 1 and row.status == "completed" for row in bench.rows())


def drop_connections(bench: Bench) -> None:
    url = bench.db.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
            " and pid <> pg_backend_pid() and application_name like 'leadkeeper-%'"
        )


def settled(bench: Bench, ids: list[int]) -> bool:
    from leadkeeper.errors import Unavailable

    try:
        rows = bench.rows()
    except Unavailable:
        return False
    return len(rows) == len(ids) and all(row.status == "completed" for row in rows)
