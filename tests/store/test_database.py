"""The database's promises: durable before told, one bad call ends alone, batches, order of turns."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, insert, select, text

from leadkeeper import clock
from leadkeeper.errors import Damaged, Unavailable
from leadkeeper.store.database import Database
from leadkeeper.store.schema import settings
from leadkeeper.store.signals import signal
from tests.patience import PATIENCE_SECONDS, until


def put(conn: Connection, name: str, value: object = 1) -> str:
    conn.execute(insert(settings).values(name=name, value=value, updated_at=clock.now()))
    return name


def names(conn: Connection) -> list[str]:
    return list(conn.execute(select(settings.c.name).order_by(settings.c.name)).scalars())


async def test_a_write_is_seen_by_a_read_that_follows_it(db: Database) -> None:
    await db.write(put, "a", {"deep": ["ü", 1]})

    assert await db.read(names) == ["a"]


async def test_a_call_that_raises_ends_alone_and_changes_nothing(db: Database) -> None:
    def half(conn: Connection) -> None:
        put(conn, "half")
        raise ValueError("no")

    results = await asyncio.gather(db.write(put, "a"), db.write(half), db.write(put, "b"), return_exceptions=True)

    assert [type(result) for result in results] == [str, ValueError, str]
    assert await db.read(names) == ["a", "b"]


async def test_items_of_one_function_are_written_together_and_each_caller_gets_its_own_result(db: Database) -> None:
    sizes: list[int] = []

    def put_all(conn: Connection, items: Sequence[str]) -> list[str]:
        sizes.append(len(items))
        return [put(conn, item).upper() for item in items]

    results = await asyncio.gather(*(db.write_batch(put_all, f"n{number:03}") for number in range(200)))

    assert results == [f"N{number:03}" for number in range(200)]
    assert max(sizes) > 1
    assert await db.read(lambda conn: conn.execute(select(func.count()).select_from(settings)).scalar_one()) == 200


async def test_one_bad_item_does_not_sink_its_batch(db: Database) -> None:
    def put_all(conn: Connection, items: Sequence[str]) -> list[str]:
        for item in items:
            put(conn, item)
            if item == "bad":
                raise ValueError("bad item")
        return list(items)

    results = await asyncio.gather(*(db.write_batch(put_all, name) for name in ["a", "bad", "c"]), return_exceptions=True)

    assert [str(result) for result in results] == ["a", "bad item", "c"]
    assert await db.read(names) == ["a", "c"]


async def test_a_write_inside_a_write_is_refused(db: Database) -> None:
    def nested(conn: Connection) -> None:
        db.write_now(put, "inner")

    with pytest.raises(RuntimeError, match="inside a write"):
        await db.write(nested)


async def test_listeners_hear_topics_only_after_the_commit(db: Database) -> None:
    heard: list[frozenset[str]] = []
    db.listen(heard.append)

    def work(conn: Connection) -> None:
        put(conn, "a")
        signal(conn, "jobs", "stats")
        assert heard == []

    await db.write(work)
    await until(lambda: bool(heard))

    assert heard == [frozenset({"jobs", "stats"})]


async def test_periodic_writes_run_while_the_event_loop_is_blocked(db: Database) -> None:
    ran: list[str] = []
    stop = db.every(0.05, lambda conn: put(conn, f"beat{len(ran)}"), ran.append)

    end = clock.monotonic() + PATIENCE_SECONDS
    while len(ran) < 3 and clock.monotonic() < end:
        clock.sleep_until_tick(0.05)
    stop()

    assert len(ran) >= 3


async def test_a_waiting_write_is_not_passed_over_for_long_by_saturating_ingest(db: Database) -> None:
    batches: list[int] = []

    def slow(conn: Connection, items: Sequence[int]) -> list[int]:
        batches.append(len(items))
        clock.sleep_until_tick(0.01)
        return list(items)

    stop = asyncio.Event()

    async def saturate() -> None:
        while not stop.is_set():
            await db.write_batch(slow, 1)

    crowd = [asyncio.create_task(saturate()) for _ in range(8)]
    await until(lambda: len(batches) > 3)
    before = len(batches)
    await db.write(put, "patient")
    passed_over = len(batches) - before
    stop.set()
    await asyncio.gather(*crowd)

    assert passed_over <= 12  # of 10 ms each: not for long, on however busy a machine


async def test_writers_are_told_when_the_database_cannot_even_be_opened(tmp_path: Path) -> None:
    (tmp_path / "broken.db").write_text("this is no database")
    db = Database(f"sqlite:///{tmp_path / 'broken.db'}")
    beats: list[int] = []
    stop = db.every(0.01, lambda conn: 1, beats.append)

    results = await asyncio.wait_for(
        asyncio.gather(db.write(put, "a"), db.write(put, "b"), return_exceptions=True), PATIENCE_SECONDS
    )

    stop()
    assert [type(result) for result in results] == [Damaged, Damaged]
    assert beats == []
    await asyncio.to_thread(db.close)


async def test_writers_are_told_when_another_process_does_not_let_go_of_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = Database(f"sqlite:///{tmp_path / 'held.db'}")
    await db.write(lambda conn: conn.execute(text("pragma busy_timeout = 50")))
    with closing(sqlite3.connect(tmp_path / "held.db", isolation_level=None)) as other:
        other.execute("begin immediate")

        with pytest.raises(Unavailable, match="locked"):
            await asyncio.wait_for(db.write(lambda conn: None), PATIENCE_SECONDS)

        other.execute("rollback")
    assert await db.write(lambda conn: 7) == 7
    await asyncio.to_thread(db.close)
