"""PostgreSQL: NOTIFY and LISTEN, throttled and outside the transactions that do the work.

A NOTIFY in every enqueueing transaction takes a lock at commit that undoes PostgreSQL's own group
commit (measured: 2,790 -> 600 inserts/s with 8 writers). So topics gather here after the commits and
one connection notifies; another listens.
"""

import logging
import threading
import uuid
from collections.abc import Callable

import psycopg
from sqlalchemy import URL

from leadkeeper import clock
from leadkeeper.store.database import Database
from leadkeeper.store.engine import reaching

log = logging.getLogger(__name__)

CHANNEL = "leadkeeper"
FAST = 0.005
SLOW = 0.200
"""Least seconds between notifications about new jobs or choices, and about anything else."""
URGENT = frozenset({"jobs", "worker", "cancel", "*"})
LONGEST_PAYLOAD = 7_000
LOOK = 0.5
"""Seconds after which a listening thread looks whether it should end."""
RECONNECT = 1.0


class PostgresHints:
    """Tells other processes of `db` what this one committed, and this one what they did."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._me = uuid.uuid4().hex[:12]
        self._closed = threading.Event()
        self._changed = threading.Event()
        self._lock = threading.Lock()
        self._topics: set[str] = set()
        self._hearing = threading.local()
        self._quiet = db.listen(self._gather)
        self._threads = [
            threading.Thread(target=self._keep, args=(work,), name=f"leadkeeper-{name}", daemon=True)
            for name, work in (("notify", self._notify), ("listen", self._listen))
        ]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """End both threads."""
        self._quiet()
        self._closed.set()
        self._changed.set()
        for thread in self._threads:
            thread.join()

    def _gather(self, topics: frozenset[str]) -> None:
        if getattr(self._hearing, "now", False):
            return  # heard from elsewhere: not ours to tell
        with self._lock:
            self._topics |= topics
        self._changed.set()

    def _keep(self, work: Callable[[psycopg.Connection[object]], None]) -> None:
        """Run `work` on a connection of its own, again after a pause whenever it breaks."""
        while not self._closed.is_set():
            try:
                with psycopg.connect(_conninfo(self._db.url), autocommit=True) as conn:
                    work(conn)
            except psycopg.Error as error:
                log.warning("hints are interrupted, polling goes on", exc_info=error)
                self._closed.wait(RECONNECT)

    def _notify(self, conn: "psycopg.Connection[object]") -> None:
        while not self._closed.is_set():
            self._changed.wait()
            self._changed.clear()
            with self._lock:
                topics, self._topics = self._topics, set()
            if not topics or self._closed.is_set():
                continue
            payload = " ".join([self._me, *sorted(topics)])
            if len(payload) > LONGEST_PAYLOAD:
                payload = f"{self._me} *"
            conn.execute("select pg_notify(%s, %s)", (CHANNEL, payload))
            self._throttle(topics)

    def _throttle(self, topics: set[str]) -> None:
        """Wait after a notification; an urgent topic that comes meanwhile ends the long wait."""
        self._closed.wait(FAST)
        until = clock.monotonic() + (0 if topics & URGENT else SLOW)
        while clock.monotonic() < until and not self._closed.is_set():
            with self._lock:
                urgent = bool(self._topics & URGENT)
            if urgent:
                return
            self._changed.wait(until - clock.monotonic())
            self._changed.clear()
        self._changed.set()

    def _listen(self, conn: "psycopg.Connection[object]") -> None:
        conn.execute(f'listen "{CHANNEL}"')
        self._announce(frozenset({"*"}))  # what was said while we did not listen
        while not self._closed.is_set():
            for notice in conn.notifies(timeout=LOOK):
                sender, *topics = notice.payload.split(" ")
                if sender != self._me:
                    self._announce(frozenset(topics))
                if self._closed.is_set():
                    return

    def _announce(self, topics: frozenset[str]) -> None:
        self._hearing.now = True
        try:
            self._db.announce(topics)
        finally:
            self._hearing.now = False


def _conninfo(url: URL) -> str:
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.conninfo.make_conninfo(plain, **reaching(url))
