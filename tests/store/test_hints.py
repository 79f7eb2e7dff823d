"""A process hears what others commit to its SQLite file, and is not woken by what it wrote itself."""

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Connection, insert

from leadkeeper import clock
from leadkeeper.store import hints, migrate
from leadkeeper.store.database import Database
from leadkeeper.store.schema import throttles
from tests.patience import PATIENCE_SECONDS


@pytest.fixture
def file(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'leadkeeper.db'}"
    db = Database(url)
    migrate.upgrade(db)
    db.close()
    return url


@pytest.fixture
def ours(file: str) -> Iterator[Database]:
    db = Database(file)
    yield db
    db.close()


@pytest.fixture
def heard(ours: Database) -> Iterator[list[frozenset[str]]]:
    """What was announced to this process, from the moment its ears are open."""
    heard: list[frozenset[str]] = []
    ours.listen(heard.append)
    deaf = hints.start(ours)
    time.sleep(0.2)
    yield heard
    deaf()


def note(conn: Connection) -> None:
    """A write that signals nothing, as a heartbeat is."""
    conn.execute(insert(throttles).values(bucket=uuid4().hex, failures=0, until=clock.now(), updated_at=clock.now()))


def test_our_own_writes_wake_nobody(ours: Database, heard: list[frozenset[str]]) -> None:
    for _ in range(5):
        ours.write_now(note)
        time.sleep(0.15)

    assert [topics for topics in heard if "*" in topics] == []


def test_what_another_process_writes_is_heard(file: str, ours: Database, heard: list[frozenset[str]]) -> None:
    other = Database(file)
    for _ in range(3):
        heard.clear()
        ours.write_now(note)
        other.write_now(note)  # within the same look: only the writer can tell them apart
        until = clock.monotonic() + PATIENCE_SECONDS
        while not any("*" in topics for topics in heard) and clock.monotonic() < until:
            time.sleep(0.01)
        assert any("*" in topics for topics in heard)
    other.close()
