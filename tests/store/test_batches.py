"""Many small writes of one kind become one; each of their callers is told what became of it, always."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import Connection, event, exc, text

from leadkeeper.errors import Unavailable
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


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
async def test_a_connection_that_breaks_under_a_batch_is_an_outage(db: Database) -> None:
    def break_off(conn: Connection, items: Sequence[int]) -> list[None]:
        conn.execute(text("select pg_terminate_backend(pg_backend_pid())"))
        return [None for _ in items]

    async with asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(Unavailable):
            await db.write_batch(break_off, 1)
