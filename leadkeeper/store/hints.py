"""What other processes commit, heard by this one: hints, never data.

A hint says that something may have changed; whoever hears it reads the rows. If hints are lost
(a connection half dead, a pooler that drops LISTEN) only the latency of the next poll is lost.
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from leadkeeper.store.database import Database
from leadkeeper.store.hints_sqlite import SqliteHints

if TYPE_CHECKING:
    from leadkeeper.store.hints_postgres import PostgresHints

_lock = threading.Lock()
_running: "WeakKeyDictionary[Database, tuple[SqliteHints | PostgresHints, int]]" = WeakKeyDictionary()


def start(db: Database) -> Callable[[], None]:
    """Hear other processes on `db`, and tell them; returns how to stop. Web and worker may both ask."""
    with _lock:
        hints, users = _running.get(db, (None, 0))
        if hints is None:
            hints = SqliteHints(db) if db.dialect == "sqlite" else _postgres(db)
        _running[db] = (hints, users + 1)
    return lambda: _stop(db)


def _postgres(db: Database) -> "PostgresHints":
    from leadkeeper.store.hints_postgres import PostgresHints  # psycopg: a fifth of a start on SQLite, for nothing

    return PostgresHints(db)


def _stop(db: Database) -> None:
    with _lock:
        hints, users = _running.pop(db)
        if users > 1:
            _running[db] = (hints, users - 1)
            return
    hints.close()
