"""SQLite: `PRAGMA data_version` grows when another connection has committed.

No lock, no write, about 12 microseconds a look. It also grows by the commits of this process's own
writer; those were announced already, so a change beside an own commit is told again only seldom.
"""

import sqlite3
import threading

from leadkeeper import clock
from leadkeeper.store.database import Database

ACTIVE = 0.005
IDLE = 0.050
"""Seconds between looks, while something was heard lately and otherwise."""
STAYS_ACTIVE = 2.0
IN_DOUBT = 0.250
"""Least seconds between hints that may only be an echo of our own commits."""
ANYTHING = frozenset({"*"})


class SqliteHints:
    """Announces `*` on `db` when another process has committed."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._own = 0
        self._closed = threading.Event()
        self._quiet = db.listen(self._count_own)
        self._hinting = False
        self._thread = threading.Thread(target=self._watch, name="leadkeeper-hints", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._quiet()
        self._closed.set()
        self._thread.join()

    def _count_own(self, topics: frozenset[str]) -> None:
        if topics != ANYTHING:
            self._own += 1

    def _watch(self) -> None:
        connection = sqlite3.connect(str(self._db.url.database), isolation_level=None)
        try:
            self._look_until_closed(connection)
        finally:
            connection.close()

    def _look_until_closed(self, connection: sqlite3.Connection) -> None:
        version, own = _version(connection), self._own
        heard_at = told_at = clock.monotonic() - STAYS_ACTIVE
        doubt = False
        while not self._closed.wait(ACTIVE if clock.monotonic() - heard_at < STAYS_ACTIVE else IDLE):
            own_before, seen = self._own, _version(connection)
            now = clock.monotonic()
            if seen != version:
                heard_at = now
                doubt = doubt or own_before != own or self._own != own_before
                certain = own_before == own and self._own == own_before
                version, own = seen, self._own
                if certain:
                    doubt, told_at = False, now
                    self._db.announce(ANYTHING)
            if doubt and now - told_at >= IN_DOUBT:
                doubt, told_at = False, now
                self._db.announce(ANYTHING)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA data_version").fetchone()[0])
