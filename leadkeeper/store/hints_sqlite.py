"""SQLite: `PRAGMA data_version` grows when another connection has committed.

No lock, no write, about 12 microseconds a look. For a connection that only looks it grows by the commits of
this process too. Where we may have committed ourselves, the writer's own connection is asked, for which it
grows by the commits of others only: our heartbeats wake nobody. Nothing is looked at while nobody writes in
the folder, where the system can tell.
"""

import sqlite3
import threading
from pathlib import Path

from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.errors import Unavailable
from leadkeeper.store.changes import Changes
from leadkeeper.store.database import Database

ACTIVE = 0.005
IDLE = 0.050
"""Seconds between looks, while another process was heard lately and otherwise."""
STAYS_ACTIVE = 2.0
IN_DOUBT = 0.250
"""Least seconds between questions to the writer."""
ATTENTIVE = 1.0
"""So long after a write in the folder looks go on: what is written is seen by others only when the disk has it."""
QUIET = 5.0
"""Most seconds between looks."""
ANYTHING = frozenset({"*"})


class SqliteHints:
    """Announces `*` on `db` when another process has committed."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._closed = threading.Event()
        self._changes = Changes.of(Path(str(db.url.database)).absolute().parent)
        self._thread = threading.Thread(target=self._watch, name="leadkeeper-hints", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        if self._changes is not None:
            self._changes.end()
        self._thread.join()
        if self._changes is not None:
            self._changes.close()

    def _watch(self) -> None:
        connection = sqlite3.connect(str(self._db.url.database), isolation_level=None)
        try:
            self._look_until_closed(connection)
        finally:
            connection.close()

    def _look_until_closed(self, connection: sqlite3.Connection) -> None:
        turns = self._db.turns  # before the version, always: what we commit in between then only puts us in doubt
        version, others = _version(connection), self._others()
        heard_at = asked_at = changed_at = clock.monotonic() - STAYS_ACTIVE
        doubt = False
        while not self._closed.wait(ACTIVE if clock.monotonic() - heard_at < STAYS_ACTIVE else IDLE):
            quiet = not doubt and clock.monotonic() - max(heard_at + STAYS_ACTIVE, changed_at + ATTENTIVE) > 0
            if self._changes is not None and self._changes.wait(QUIET if quiet else 0):
                changed_at = clock.monotonic()
            turns_before, seen, heard = self._db.turns, _version(connection), False
            now = clock.monotonic()
            if seen != version:
                heard = turns == turns_before == self._db.turns
                doubt = doubt or not heard
                version, turns = seen, turns_before
            if doubt and now - asked_at >= IN_DOUBT:
                before, others = others, self._others()
                heard = heard or others is None or others != before
                doubt, asked_at = False, now
            if heard:
                heard_at = now
                self._db.announce(ANYTHING)

    def _others(self) -> int | None:
        """The version as the writer's connection sees it, which its own commits leave alone; None: it cannot be asked."""
        try:
            return self._db.write_now(_version_of_others)
        except Unavailable:
            return None


def _version_of_others(conn: Connection) -> int:
    return int(conn.exec_driver_sql("PRAGMA data_version").scalar_one())


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA data_version").fetchone()[0])
