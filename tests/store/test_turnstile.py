"""Processes that write one SQLite file take turns; nobody waits for one that stands still."""

import fcntl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from leadkeeper import clock
from leadkeeper.store import turnstile
from leadkeeper.store.database import Database
from leadkeeper.store.turnstile import Turnstile
from tests.patience import PATIENCE_SECONDS

BUSY = """
import sys
from sqlalchemy import text
from leadkeeper import clock
from leadkeeper.store.database import Database

def work(conn):
    conn.execute(text("update settings set value = value"))
    clock.sleep_until_tick(0.03)

db = Database(sys.argv[1])
db.write_now(work)
print("working", flush=True)
while True:
    db.write_now(work)
"""
HOLDS = """
import sys
from pathlib import Path
from leadkeeper.store.turnstile import Turnstile

with Turnstile(Path(sys.argv[1])).turn():
    print("holding", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_who_writes_all_the_time_lets_every_other_one_in_between(database_url: str) -> None:
    other = subprocess.Popen([sys.executable, "-c", BUSY, database_url], stdout=subprocess.PIPE, text=True)
    assert other.stdout and other.stdout.readline() == "working\n"
    db = Database(database_url)
    waits = []

    for _ in range(40):
        began = clock.monotonic()
        db.write_now(lambda conn: None)
        waits.append(clock.monotonic() - began)
        clock.sleep_until_tick(0.01)

    db.close()
    other.kill()
    other.wait()
    other.stdout.close()
    assert sorted(waits)[-2] < 0.25, waits  # one turn of the other is 0.03 s; without turns it was a second and more


@pytest.mark.parametrize("end", ["kill", "let go"])
def test_a_turn_ends_with_the_process_that_has_it(tmp_path: Path, end: str) -> None:
    file = tmp_path / "leadkeeper.db"
    other = subprocess.Popen([sys.executable, "-c", HOLDS, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdin and other.stdout and other.stdout.readline() == "holding\n"
    mine = Turnstile(file)

    if end == "kill":
        other.kill()
    other.stdin.close()
    began = clock.monotonic()
    with mine.turn():
        waited = clock.monotonic() - began

    other.wait()
    other.stdout.close()
    mine.close()
    assert waited < turnstile.PATIENCE_SECONDS


def test_one_that_stands_still_with_the_turn_is_waited_for_only_so_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turnstile, "PATIENCE_SECONDS", 0.05)
    still, mine, third = (Turnstile(tmp_path / "leadkeeper.db") for _ in range(3))

    with still.turn():
        began = clock.monotonic()
        with mine.turn(), third.turn():
            waited = clock.monotonic() - began

    for each in (still, mine, third):
        each.close()
    assert 0.1 <= waited < 5


def test_who_takes_in_is_let_go_first_by_who_has_just_written_something_else(tmp_path: Path) -> None:
    file = tmp_path / "leadkeeper.db"
    worker, web = Turnstile(file), Turnstile(file)

    with worker.turn(), waiting(web, file, first=True):
        clock.sleep_until_tick(0.030)
    began = clock.monotonic()
    with worker.turn():
        after_one_who_takes_in = clock.monotonic() - began
    with worker.turn(), waiting(web, file, first=False):
        clock.sleep_until_tick(0.030)
    began = clock.monotonic()
    with worker.turn():
        after_any_other = clock.monotonic() - began

    worker.close()
    assert after_one_who_takes_in >= turnstile.LONGEST_PAUSE_SECONDS
    assert after_any_other < after_one_who_takes_in


def test_who_takes_in_is_let_go_first_for_so_long_and_no_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turnstile, "LONGEST_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(turnstile, "PAUSE_FACTOR", 1_000)
    file = tmp_path / "leadkeeper.db"
    worker, web = Turnstile(file), Turnstile(file)

    with worker.turn(), waiting(web, file, first=True):
        clock.sleep_until_tick(0.010)
    began = clock.monotonic()
    with worker.turn():
        waited = clock.monotonic() - began
    worker.close()
    assert 0.05 <= waited < 5


@contextmanager
def waiting(mine: Turnstile, file: Path, *, first: bool) -> Iterator[None]:
    """Somebody wants to write while the block runs, and gets their turn once the one around it is over."""

    def write() -> None:
        with mine.turn(first=first):
            pass
        mine.close()

    threading.Thread(target=write).start()
    lock = file.with_name(f"{file.name}-{'first' if first else 'gate'}")
    until = clock.monotonic() + PATIENCE_SECONDS
    while not is_taken(lock) and clock.monotonic() < until:
        clock.sleep_until_tick(0.001)
    yield


def is_taken(lock: Path) -> bool:
    with lock.open("ab") as mine:
        return turnstile._is_taken(mine)


def test_who_takes_in_is_not_refused_by_who_looks_at_the_same_moment(tmp_path: Path) -> None:
    database = tmp_path / "leadkeeper.db"
    entrance = Turnstile(database)

    with (tmp_path / "leadkeeper.db-first").open("ab") as looking:
        fcntl.flock(looking, fcntl.LOCK_EX)
        with entrance.turn(first=True):
            pass

    entrance.close()


def test_who_stands_still_with_the_turn_is_waited_for_in_full_once_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turnstile, "PATIENCE_SECONDS", 1.0)
    database = tmp_path / "leadkeeper.db"
    ours = Turnstile(database)

    with (tmp_path / "leadkeeper.db-turn").open("ab") as standing_still:
        fcntl.flock(standing_still, fcntl.LOCK_EX)
        began = clock.monotonic()
        for _ in range(10):
            with ours.turn():
                pass
        took = clock.monotonic() - began
    with ours.turn():
        assert ours._in_vain == set()

    assert turnstile.PATIENCE_SECONDS <= took < 3 * turnstile.PATIENCE_SECONDS
    ours.close()
