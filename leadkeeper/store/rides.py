"""A write that rides along: the last call of the next transaction of SQLite's writer that signals its topic.

What a commit gives rise to is begun in that very commit: one wait for the disk less, and no way from thread to
thread between the two (docs/decisions/0027). On PostgreSQL, where every write is a transaction of its own, nobody boards.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, TypeVarTuple

from sqlalchemy import Connection

from leadkeeper.store import signals
from leadkeeper.store.calls import Call

R = TypeVar("R")
Ts = TypeVarTuple("Ts")


@dataclass(eq=False, slots=True)
class Ride(Generic[R]):
    """A write that waits for a transaction. Once it has boarded, `done` ends as that of any write."""

    topic: str
    call: Call
    done: asyncio.Future[R]
    boarded: bool = False


class Rides:
    """Those that wait: asked for by event loops, taken along by the writing thread."""

    def __init__(self) -> None:
        self._waiting: list[Ride[Any]] = []
        self._lock = threading.Lock()

    @contextmanager
    def waiting(self, topic: str, fn: Callable[[Connection, *Ts], R], *args: *Ts) -> Iterator[Ride[R]]:
        """`fn` waits for a transaction that signals `topic`; what has not boarded at the end of the block never will."""
        done: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        ride = Ride(topic, Call(fn, args, done), done)
        with self._lock:
            self._waiting.append(ride)
        try:
            yield ride
        finally:
            with self._lock:
                if not ride.boarded:
                    self._waiting.remove(ride)

    def board(self, conn: Connection) -> Call | None:
        """The first that waits for what this transaction has signalled so far."""
        if not self._waiting:
            return None
        topics = signals.pending(conn)
        with self._lock:
            ride = next((each for each in self._waiting if each.topic in topics), None)
            if ride is None:
                return None
            self._waiting.remove(ride)
            ride.boarded = True
            return ride.call
