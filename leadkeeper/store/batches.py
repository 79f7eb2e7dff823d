"""Many small writes of one kind become one: the ground of `write_batch`."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, exc

from leadkeeper.store.calls import Call, Told, Turn, tell
from leadkeeper.store.savepoint import Savepoint

MOST = 500
"""Items one call takes."""

Batched = Callable[[Connection, Sequence[Any]], Sequence[Any]]


class Batches:
    """Gathers items per function; a call takes all that wait when its turn at the database comes."""

    def __init__(self, submit: Callable[[Call], None]) -> None:
        self._submit = submit
        self._waiting: dict[Batched, list[Call]] = {}
        self._lock = threading.Lock()

    def add(self, fn: Batched, item: Any, done: asyncio.Future[Any], turn: Turn) -> None:
        """Let `item` wait for the next call of `fn`, which has its place at SQLite's writer by `turn`."""
        with self._lock:
            waiting = self._waiting.setdefault(fn, [])
            waiting.append(Call(fn, (item,), done))
            first = len(waiting) == 1
        if first:
            self._submit(self._batch(fn, turn))

    def _batch(self, fn: Batched, turn: Turn) -> Call:
        taken: list[Call] = []  # a transaction that is tried again keeps the items it took

        def run(conn: Connection) -> list[Told]:
            if not taken:
                taken.extend(self._take(fn, turn))
            return run_together(conn, fn, taken)

        def failed(error: BaseException) -> None:
            """A transaction that could not even begin has taken nothing: those who wait for it are told all the same."""
            tell([Told(call, error=error) for call in taken or self._take(fn, turn)])

        return Call(run, (), None, turn, after=tell, failed=failed)

    def _take(self, fn: Batched, turn: Turn) -> list[Call]:
        with self._lock:
            waiting = self._waiting[fn]
            taken, self._waiting[fn] = waiting[:MOST], waiting[MOST:]
            more = bool(self._waiting[fn])
        if more:
            self._submit(self._batch(fn, turn))
        return taken


def run_together(conn: Connection, fn: Batched, calls: Sequence[Call]) -> list[Told]:
    """One call for all; when it raises, each item alone, so that one bad item does not sink the rest."""
    savepoint = Savepoint(conn)
    try:
        results = fn(conn, [call.args[0] for call in calls])
        savepoint.keep()
        return [Told(call, result) for call, result in zip(calls, results, strict=True)]
    except (exc.OperationalError, exc.InterfaceError):
        savepoint.undo()
        raise  # the database is away, or two transactions collided: that is no item's fault, and whoever runs us knows what to do
    except Exception as error:  # noqa: BLE001 - handed to the caller, or tried alone
        savepoint.undo()
        if len(calls) == 1:
            return [Told(calls[0], error=error)]
    return [told for call in calls for told in run_together(conn, fn, [call])]
