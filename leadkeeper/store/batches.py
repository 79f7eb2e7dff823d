"""Many small calls of one kind become one: the ground of `write_batch` and `read_batch`."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, exc

from leadkeeper import clock
from leadkeeper.errors import CommitUnknown, Unavailable
from leadkeeper.store.calls import Call, Told, Turn, tell
from leadkeeper.store.savepoint import Savepoint

MOST = 500
"""Items one call takes."""
AT_ONCE = 2
"""Calls of one kind at work: one gathers while the other commits. More of them would be smaller, and cost more each."""
LATE_SECONDS = 0.100
"""What was just taken in gathers behind the one call at work, unless that is held up longer than this.

Two at once halved the batches of 32 callers: half as much again of PostgreSQL's time, a quarter more of ours.
"""

Batched = Callable[[Connection, Sequence[Any]], Sequence[Any]]
_NOBODYS_FAULT = (Unavailable, CommitUnknown, exc.OperationalError, exc.InterfaceError)
"""The database is away, or two transactions collided: whoever runs us has tried again already."""


class Batches:
    """Gathers items per function; a call takes all that wait when its turn at the database comes."""

    def __init__(self, submit: Callable[[Call], None]) -> None:
        self._submit = submit
        self._waiting: dict[Batched, list[Call]] = {}
        self._at_work: dict[Batched, int] = {}
        self._begun_at: dict[Batched, float] = {}
        self._lock = threading.Lock()

    def add(self, fn: Batched, item: Any, done: asyncio.Future[Any], turn: Turn = Turn.REST) -> None:
        """Let `item` wait for the next call of `fn`, which has its place at SQLite's writer by `turn`.

        Raises RuntimeError after the database was closed.
        """
        with self._lock:
            waiting = self._waiting.setdefault(fn, [])
            waiting.append(Call(fn, (item,), done))
            begins = self._is_one_more_wanted(fn, len(waiting), turn)
            self._at_work[fn] = self._at_work.get(fn, 0) + begins
        if begins:
            self._begin(fn, turn)

    def _is_one_more_wanted(self, fn: Batched, waiting: int, turn: Turn) -> bool:
        at_work = self._at_work.get(fn, 0)
        if turn is Turn.INGEST and at_work:
            return at_work < AT_ONCE and clock.monotonic() - self._begun_at.get(fn, float("inf")) > LATE_SECONDS
        return waiting == 1 and at_work < AT_ONCE

    def _begin(self, fn: Batched, turn: Turn) -> None:
        self._begun_at[fn] = clock.monotonic()
        taken: list[Call] = []  # a transaction that is tried again keeps the items it took

        def run(conn: Connection) -> list[Told]:
            if not taken:
                taken.extend(self._take(fn))
            return _told(taken, fn(conn, [call.args[0] for call in taken]))

        def failed(error: BaseException) -> None:
            """A transaction that could not even begin has taken nothing: those who wait for it are told all the same."""
            items = taken or self._take(fn)
            if len(items) > 1 and isinstance(error, Exception) and not isinstance(error, _NOBODYS_FAULT):
                self._go(items, Call(partial(_each_alone, fn, items), (), None, turn, after, partial(lost, items)))
            else:
                lost(items, error)

        def lost(items: Sequence[Call], error: BaseException) -> None:
            self._ended(fn, turn)
            tell([Told(call, error=error) for call in items])

        def after(told: list[Told]) -> None:
            self._ended(fn, turn)
            tell(told)

        self._go(self._waiting[fn], Call(run, (), None, turn, after, failed))

    def _go(self, items: Sequence[Call], call: Call) -> None:
        try:
            self._submit(call)
        except RuntimeError as error:  # the database is being closed
            tell([Told(each, error=error) for each in items])

    def _ended(self, fn: Batched, turn: Turn) -> None:
        """A call has come to its end: what gathered meanwhile goes next."""
        with self._lock:
            more = bool(self._waiting[fn])
            self._at_work[fn] -= not more
        if more:
            self._begin(fn, turn)

    def _take(self, fn: Batched) -> list[Call]:
        with self._lock:
            waiting = self._waiting[fn]
            taken, self._waiting[fn] = waiting[:MOST], waiting[MOST:]
        return taken


def _told(calls: Sequence[Call], results: Sequence[Any]) -> list[Told]:
    return [Told(call, result) for call, result in zip(calls, results, strict=True)]


def _each_alone(fn: Batched, calls: Sequence[Call], conn: Connection) -> list[Told]:
    """Together they raised: each in its turn under a savepoint, so that one bad item does not sink the rest."""
    told: list[Told] = []
    for call in calls:
        savepoint = Savepoint(conn)
        try:
            told += _told([call], fn(conn, [call.args[0]]))
            savepoint.keep()
        except (exc.OperationalError, exc.InterfaceError):
            savepoint.undo()
            raise
        except Exception as error:  # noqa: BLE001 - handed to the caller
            savepoint.undo()
            told.append(Told(call, error=error))
    return told
