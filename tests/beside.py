"""Two transactions beside each other: one is held open while the other is tried."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, text

from leadkeeper import clock
from leadkeeper.store.database import Database
from tests.patience import PATIENCE_SECONDS


class Held:
    """A transaction that does `fn` and commits only when told to: from another thread's view, in flight."""

    def __init__(self, db: Database, fn: Callable[[Connection], Any]) -> None:
        self._db = db
        self._did, self._go = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, args=(db, fn))
        self._thread.start()
        assert self._did.wait(PATIENCE_SECONDS)

    def _run(self, db: Database, fn: Callable[[Connection], Any]) -> None:
        def work(conn: Connection) -> None:
            fn(conn)
            self._did.set()
            self._go.wait(PATIENCE_SECONDS)

        db.write_now(work)

    def commit(self) -> None:
        self._go.set()
        self._thread.join(PATIENCE_SECONDS)

    def commit_once_waited_for(self, second: Callable[[], Any]) -> None:
        """Begin `second` and commit when it waits for what this transaction holds (PostgreSQL)."""
        other = threading.Thread(target=second)
        other.start()
        until = clock.monotonic() + PATIENCE_SECONDS
        while not self._db.read_now(_somebody_waits):
            assert clock.monotonic() < until, "nobody waits"
            clock.sleep_until_tick(0.01)
        self.commit()
        other.join(PATIENCE_SECONDS)
        assert not other.is_alive()


def _somebody_waits(conn: Connection) -> bool:
    query = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    return bool(conn.execute(text(query)).scalar_one())


on_postgres = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
"""SQLite has one writer: there these two transactions cannot be open at once."""
