"""Two transactions beside each other: one is held open while the other is tried."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection

from leadkeeper.store.database import Database


class Held:
    """A transaction that does `fn` and commits only when told to: from another thread's view, in flight."""

    def __init__(self, db: Database, fn: Callable[[Connection], Any]) -> None:
        self._did, self._go = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, args=(db, fn))
        self._thread.start()
        self._did.wait(10)

    def _run(self, db: Database, fn: Callable[[Connection], Any]) -> None:
        def work(conn: Connection) -> None:
            fn(conn)
            self._did.set()
            self._go.wait(10)

        db.write_now(work)

    def commit(self) -> None:
        self._go.set()
        self._thread.join(10)


on_postgres = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
"""SQLite has one writer: there these two transactions cannot be open at once."""
