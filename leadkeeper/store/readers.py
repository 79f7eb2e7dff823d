"""The threads that read: each takes its share of what waits and reads it on one snapshot.

Handing a call to a thread and beginning a transaction cost more than most reads; together they pay it once.
"""

import threading
from collections import deque
from collections.abc import Sequence

from sqlalchemy import Connection
from sqlalchemy.engine import Engine

from leadkeeper.store.calls import Call, Told, tell
from leadkeeper.store.engine import READERS, as_ours, is_broken
from leadkeeper.store.kept import Kept

MOST = 50
"""Calls of one transaction."""


class Readers:
    """Runs read calls in its own threads; every caller is told when its transaction has ended."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: deque[Call] = deque()
        self._changed = threading.Condition()
        self._idle = 0
        self._closed = False
        self._threads: list[threading.Thread] = []

    def submit(self, call: Call) -> None:
        """Queue one call; raises RuntimeError after close()."""
        with self._changed:
            if self._closed:
                raise RuntimeError("the database is closed")
            self._waiting.append(call)
            if self._idle < len(self._waiting) and len(self._threads) < READERS:
                thread = threading.Thread(target=self._loop, name=f"leadkeeper-read-{len(self._threads)}", daemon=True)
                self._threads.append(thread)
                thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Finish what waits, then end the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _loop(self) -> None:
        kept = Kept(self._engine)
        while calls := self._take():
            self._read(kept, deque(calls))
        kept.close()

    def _take(self) -> Sequence[Call]:
        """This thread's share of what waits; nothing once all is done and the database closed."""
        with self._changed:
            self._idle += 1
            while not self._waiting and not self._closed:
                self._changed.wait()
            self._idle -= 1
            share = min(MOST, -(-len(self._waiting) // (self._idle + 1)))
            return [self._waiting.popleft() for _ in range(share)]

    def _read(self, kept: Kept, calls: deque[Call]) -> None:
        """Read all of them, going on in a fresh transaction after one that raised."""
        broke = False
        while calls:
            told: list[Told] = []
            try:
                kept.run(lambda conn, told=told: _run(conn, calls, told))  # type: ignore[misc]
            except BaseException as error:  # noqa: BLE001 - handed to the callers
                if broke or not is_broken(error):  # a connection that broke while it was idle deserves one more
                    told += [Told(call, error=as_ours(error, "read")) for call in calls]
                    calls.clear()
                broke = True
            tell(told)


def _run(conn: Connection, calls: deque[Call], told: list[Told]) -> None:
    """Run calls until one raises: PostgreSQL's transaction is over then."""
    while calls:
        call = calls[0]
        try:
            end = Told(call, call.run(conn, *call.args))
        except Exception as error:
            if is_broken(error):
                raise
            end = Told(call, error=as_ours(error, "read"))
        calls.popleft()
        told.append(end)
        if end.error is not None:
            return
