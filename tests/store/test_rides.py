"""What rides along is written by the transaction that brought it about, or not at all."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Connection, func, insert, select

from leadkeeper import clock
from leadkeeper.store import migrate
from leadkeeper.store.database import Database
from leadkeeper.store.schema import throttles
from leadkeeper.store.signals import signal


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    """SQLite alone: PostgreSQL has no one writer to ride with."""
    db = Database(f"sqlite:///{tmp_path / 'leadkeeper.db'}")
    migrate.upgrade(db)
    yield db
    db.close()


def note(conn: Connection, *topics: str) -> None:
    now = clock.now()
    conn.execute(insert(throttles).values(bucket=uuid4().hex, failures=0, until=now, updated_at=now))
    signal(conn, *topics)


def count(conn: Connection) -> int:
    return int(conn.execute(select(func.count()).select_from(throttles)).scalar_one())


def count_and_note(conn: Connection) -> int:
    seen = count(conn)
    note(conn)
    return seen


def refuse(conn: Connection) -> None:
    note(conn)
    raise ValueError("the rider falls off")


async def test_it_sees_what_it_rides_with_and_is_committed_with_it(db: Database) -> None:
    with db.rides.waiting("jobs", count_and_note) as ride:
        await db.write(note, "jobs")

        assert ride.boarded
        assert await db.read(count) == 2
    assert await ride.done == 1


async def test_other_transactions_do_not_take_it_along(db: Database) -> None:
    with db.rides.waiting("jobs", count_and_note) as ride:
        await db.write(note, "inbox")
        await db.write(note)

    assert not ride.boarded
    assert await db.read(count) == 2


async def test_what_has_been_withdrawn_never_happens(db: Database) -> None:
    with db.rides.waiting("jobs", count_and_note) as ride:
        pass
    await db.write(note, "jobs")

    assert not ride.boarded
    assert await db.read(count) == 1


async def test_it_rides_once(db: Database) -> None:
    with db.rides.waiting("jobs", count_and_note) as ride:
        await db.write(note, "jobs")
        await db.write(note, "jobs")

    assert await ride.done == 1
    assert await db.read(count) == 3


async def test_one_that_raises_takes_back_only_itself(db: Database) -> None:
    with db.rides.waiting("jobs", refuse) as ride:
        await db.write(note, "jobs")

    with pytest.raises(ValueError, match="falls off"):
        await ride.done
    assert await db.read(count) == 1


async def test_it_is_told_when_the_commit_it_rode_with_failed(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(conn: Connection) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr("leadkeeper.store.database._commit", fails)
    with db.rides.waiting("jobs", count_and_note) as ride, pytest.raises(OSError, match="the disk is gone"):
        await db.write(note, "jobs")

    with pytest.raises(OSError, match="the disk is gone"):
        await asyncio.wait_for(ride.done, 10)
    assert await db.read(count) == 0
