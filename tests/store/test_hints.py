"""A process hears what others commit to its SQLite file, and is not woken by what it wrote itself."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Connection, insert

from leadkeeper import clock
from leadkeeper.store import hints, hints_sqlite, migrate
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


def is_heard(heard: list[frozenset[str]]) -> bool:
    until = clock.monotonic() + PATIENCE_SECONDS
    while not any("*" in topics for topics in heard) and clock.monotonic() < until:
        time.sleep(0.01)
    return any("*" in topics for topics in heard)


@pytest.fixture(params=["told", "not told"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that tells who writes in a folder, and one that does not."""
    monkeypatch.setattr(hints_sqlite, "QUIET", 10 * PATIENCE_SECONDS)
    if request.param == "not told":
        monkeypatch.setattr(hints_sqlite.Changes, "of", lambda folder: None)


def test_what_another_process_writes_is_heard(system: None, file: str, ours: Database, heard: list[frozenset[str]]) -> None:
    other = Database(file)
    for _ in range(3):
        heard.clear()
        ours.write_now(note)
        other.write_now(note)  # within the same look: only the writer can tell them apart
        assert is_heard(heard)
    other.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_while_nobody_writes_nothing_is_looked_at_and_the_first_write_is_heard(
    file: str, ours: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hints_sqlite, "QUIET", 10 * PATIENCE_SECONDS)
    monkeypatch.setattr(hints_sqlite, "ATTENTIVE", 0.1)
    looks, look, heard = [], hints_sqlite._version, list[frozenset[str]]()
    monkeypatch.setattr(hints_sqlite, "_version", lambda connection: (looks.append(1), look(connection))[1])
    ours.listen(heard.append)
    deaf = hints.start(ours)
    time.sleep(0.5)  # of what came before its ears were open it may still be told

    before = len(looks)
    time.sleep(0.5)
    after = len(looks)
    other = Database(file)
    other.write_now(note)

    assert after == before
    assert is_heard(heard)
    deaf()
    other.close()
