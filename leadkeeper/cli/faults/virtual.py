"""A machine without threads and without waiting: an event loop whose time jumps, and a database that lives in it.

Everything that happens is an event of one loop, in an order that follows from a seed alone.
"""

import asyncio
import selectors
import sqlite3
from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import Any, Protocol, TypeVar, TypeVarTuple

from sqlalchemy import Connection, Engine, event, exc

from leadkeeper.errors import CommitUnknown
from leadkeeper.store.calls import Call
from leadkeeper.store.database import Database
from leadkeeper.store.kept import Kept
from leadkeeper.store.periodic import Periodic
from leadkeeper.store.readers import Readers
from leadkeeper.store.writer import Writer

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class Died(BaseException):
    """The process this happens in has just been killed."""


class Fates(Protocol):
    """What a process has to reckon with."""

    dead: bool

    def delay(self) -> float:
        """Seconds until its next access to the database."""

    def fate(self, *, reading: bool) -> str:
        """What becomes of this access: goes_well, fails, in_doubt, dies_before, dies_after."""

    def die(self) -> None:
        """It is killed."""

    def asked(self, call: Call) -> None:
        """A write is asked for."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time stands still while anything can be done, and jumps to the next timer when nothing can."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        """Seconds since the beginning of this world."""
        return self.elapsed

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """There is one thread."""
        return self.call_soon(callback, *args, context=context)


class _Jumping(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("nothing will ever happen again in this world")
        if timeout > 0:
            self._loop.elapsed += timeout + 1e-9
        return []


class InlineDatabase(Database):
    """The product's database with its threads taken out: its groups, savepoints and commits are the real ones."""

    def __init__(self, url: str, fates: Fates) -> None:
        self._fates = fates
        super().__init__(url)
        event.listen(self._writing, "connect", _no_power_cuts)
        self._fated = _Fated(self._writing, fates, reading=False)

    def close(self) -> None:
        """Let go of both connections, before those who own them are closed; what was not committed never happened."""
        self._fated.close()
        super().close()

    def _kept(self) -> Kept:
        return self._fated

    def _reading_threads(self) -> Readers:
        return _InlineReaders(self._reading, self._fates)

    def _writing_thread(self) -> Writer:
        return _InlineWriter(self._run_group, self._fates)


def _no_power_cuts(connection: Any, _entry: object) -> None:
    """Processes die here, machines do not: nothing has to reach a disk."""
    connection.execute("PRAGMA synchronous=OFF")


class _Fated(Kept):
    """A connection on which a transaction may come to grief."""

    def __init__(self, engine: Engine, fates: Fates, *, reading: bool) -> None:
        super().__init__(engine)
        self._fates = fates
        self._is_reading = reading

    def run(self, work: Callable[[Connection], T]) -> T:
        fate = self._fates.fate(reading=self._is_reading)
        if fate == "dies_before":
            self._fates.die()
            raise Died
        if fate == "fails":
            broken = sqlite3.OperationalError("disk I/O error")
            broken.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise exc.OperationalError("a transaction", None, broken)
        done = super().run(work)
        if fate == "dies_after":
            self._fates.die()
            raise Died
        if fate == "in_doubt":
            raise CommitUnknown("the connection was lost in COMMIT")
        return done


class _InlineWriter(Writer):
    """What waits is written as one group, a moment after the first of it was asked for."""

    def __init__(self, run_group: Callable[[Callable[[], Call | None]], None], fates: Fates) -> None:
        self._run_group = run_group
        self._fates = fates
        self._calls: deque[Call] = deque()
        self._periodic: list[Periodic] = []
        self._timer: asyncio.TimerHandle | None = None

    def submit(self, call: Call) -> None:
        """Let a call wait for the next group."""
        if self._fates.dead:
            raise Died
        self._fates.asked(call)
        self._calls.append(call)
        self._plan(self._fates.delay())

    def add(self, periodic: Periodic) -> None:
        """Run `periodic` whenever it is due."""
        self._periodic.append(periodic)
        self._plan_beat(periodic)

    def remove(self, periodic: Periodic) -> None:
        """Stop running it."""
        if periodic in self._periodic:
            self._periodic.remove(periodic)

    def close(self) -> None:
        """Write nothing more."""
        self._calls.clear()
        self._periodic.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _plan(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._run)

    def _plan_beat(self, periodic: Periodic) -> None:
        asyncio.get_running_loop().call_later(max(0.0, periodic.seconds_left()), self._beat, periodic)

    def _beat(self, periodic: Periodic) -> None:
        if periodic in self._periodic and not self._fates.dead:
            self._calls.appendleft(periodic.call())
            self._plan(self._fates.delay())
            self._plan_beat(periodic)

    def _run(self) -> None:
        self._timer = None
        if not self._fates.dead and self._calls:
            self._run_group(lambda: self._calls.popleft() if self._calls else None)
            if self._calls:
                self._plan(self._fates.delay())


class _InlineReaders(Readers):
    """One read after the other, each on a snapshot of its own."""

    def __init__(self, engine: Engine, fates: Fates) -> None:
        self._fates = fates
        self._own_kept = _Fated(engine, fates, reading=True)

    def submit(self, call: Call) -> None:
        """Read a moment later."""
        if self._fates.dead:
            raise Died
        asyncio.get_running_loop().call_later(self._fates.delay(), self._run, call)

    def close(self) -> None:
        """Read nothing more."""
        self._own_kept.close()

    def _run(self, call: Call) -> None:
        if not self._fates.dead:
            self._read(self._own_kept, deque([call]))
