"""Many small writes of one kind become one; each of their callers is told what became of it, always."""

import asyncio
import threading
from collections.abc import Sequence

import pytest
from sqlalchemy import Connection, event, exc, text

from leadkeeper.errors import Unavailable
from leadkeeper.store import batches
from leadkeeper.store.database import Database
from tests.patience import PATIENCE_SECONDS


def numbered(conn: Connection, items: Sequence[int]) -> list[int]:
    return list(items)


async def test_a_batch_whose_transaction_cannot_even_begin_fails_and_the_next_ones_go_well(db: Database) -> None:
    def away(conn: Connection) -> None:
        raise exc.OperationalError("begin", None, Exception("the server is starting"))

    event.listen(db.engine, "begin", away)
    async with asyncio.timeout(PATIENCE_SECONDS):
        ends = await asyncio.gather(*(db.write_batch(numbered, number) for number in (1, 2)), return_exceptions=True)
    event.remove(db.engine, "begin", away)

    assert [type(end) for end in ends] == [Unavailable, Unavailable]
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await db.write_batch(numbered, 3) == 3


@pytest.mark.parametrize("together", [1, 700])
async def test_every_item_gets_its_own_result(db: Database, together: int) -> None:
    results = await asyncio.gather(*(db.write_batch(numbered, number) for number in range(together)))

    assert results == list(range(together))


async def test_what_is_taken_in_gathers_behind_the_one_call_at_work(db: Database) -> None:
    begun, go_on, sizes = threading.Event(), threading.Event(), []

    def slow(conn: Connection, items: Sequence[int]) -> list[int]:
        sizes.append(len(items))
        begun.set()
        go_on.wait(PATIENCE_SECONDS)
        return list(items)

    first = asyncio.create_task(db.write_batch(slow, 0))
    await asyncio.to_thread(begun.wait, PATIENCE_SECONDS)
    others = [asyncio.create_task(db.write_batch(slow, number)) for number in range(1, 11)]
    await asyncio.sleep(0)
    go_on.set()

    assert await asyncio.gather(first, *others) == list(range(11))
    assert sizes == [1, 10]


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_call_that_is_held_up_does_not_hold_up_what_is_taken_in_after_it(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "LATE_SECONDS", 0.0)
    begun, go_on = threading.Event(), threading.Event()

    def held_up(conn: Connection, items: Sequence[int]) -> list[int]:
        if 0 in items:
            begun.set()
            go_on.wait(PATIENCE_SECONDS)
        return list(items)

    first = asyncio.create_task(db.write_batch(held_up, 0))
    await asyncio.to_thread(begun.wait, PATIENCE_SECONDS)
    async with asyncio.timeout(PATIENCE_SECONDS / 2):
        assert await db.write_batch(held_up, 1) == 1

    assert not first.done()
    go_on.set()
    assert await first == 0


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_connection_that_breaks_under_a_batch_is_an_outage(db: Database) -> None:
    def break_off(conn: Connection, items: Sequence[int]) -> list[None]:
        conn.execute(text("select pg_terminate_backend(pg_backend_pid())"))
        return [None for _ in items]

    async with asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(Unavailable):
            await db.write_batch(break_off, 1)
