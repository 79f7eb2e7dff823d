"""The database: `read`, `write`, `write_batch`. The only place that commits.

A data function takes a `Connection` first. `await db.read(fn, ...)` never blocks the writer;
`await db.write(fn, ...)` is one transaction and returns after its commit. On SQLite the calls that
wait together share one commit, each under its own savepoint; on PostgreSQL each has its own.
"""

import asyncio
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar, TypeVarTuple

from sqlalchemy import Connection, exc, text
from sqlalchemy.engine import Engine

from leadkeeper import clock
from leadkeeper.crashpoints import point
from leadkeeper.errors import CommitUnknown
from leadkeeper.store import signals
from leadkeeper.store.address import parse_url
from leadkeeper.store.batches import Batches
from leadkeeper.store.calls import Call, Told, Turn, inside_write, mark_inside, tell
from leadkeeper.store.engine import WRITERS, as_ours, is_worth_another_try, reading_engine, writing_engine
from leadkeeper.store.kept import Kept
from leadkeeper.store.periodic import Periodic
from leadkeeper.store.readers import Readers
from leadkeeper.store.rides import Rides
from leadkeeper.store.savepoint import Savepoint, in_transaction
from leadkeeper.store.ticker import Ticker
from leadkeeper.store.turnstile import Turnstile
from leadkeeper.store.writer import Writer

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

TRIES = 4
"""How often a PostgreSQL transaction that met a deadlock (40P01, 40001) is run."""


class Database:
    """One open database. Raises Misconfigured for a URL it cannot serve."""

    def __init__(self, url: str) -> None:
        self.url = parse_url(url)
        self.dialect = self.url.get_backend_name()
        self._writing = writing_engine(self.url)
        self._reading = reading_engine(self.url)
        self._readers = self._reading_threads()
        self._listeners: list[signals.Listener] = []
        self._batches = Batches(self._queue)
        self._read_batches = Batches(self._readers.submit)
        self.turns = 0
        """Grows as a transaction of SQLite's writer begins, and as it ends: equal twice, we committed nothing between."""
        self.rides = Rides()
        self._own = threading.local()
        self._kept_by_all: list[Kept] = []
        if self.dialect == "sqlite":
            self._turnstile = Turnstile(Path(str(self.url.database)))
            self._writer: Writer | None = self._writing_thread()
            self._beats: Writer | Ticker = self._writer
        else:
            self._writer = None
            self._writers = ThreadPoolExecutor(WRITERS, "leadkeeper-write")
            self._beats = Ticker(self._run_alone)

    def _reading_threads(self) -> Readers:
        return Readers(self._reading)

    def _writing_thread(self) -> Writer:
        return Writer(self._run_group)

    @property
    def engine(self) -> Engine:
        """The writing engine: for migrations and for tests that look at rows themselves."""
        return self._writing

    async def read(self, fn: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run `fn` on one read-only snapshot. Raises Unavailable when the database cannot be reached."""
        done: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._readers.submit(Call(partial(fn, **kwargs) if kwargs else fn, args, done))
        return await done

    async def read_batch(self, fn: Callable[[Connection, Sequence[T]], Sequence[R]], item: T) -> R:
        """`read`, where items waiting for the same `fn` become one call `fn(conn, items)`; as for `write_batch`."""
        done: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._read_batches.add(fn, item, done)
        return await done

    def read_now(self, fn: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """`read` for threads without an event loop (CLI, start-up)."""
        try:
            with self._reading.begin() as conn:
                return fn(conn, *args, **kwargs)
        except exc.DBAPIError as error:
            ours = as_ours(error, "read")
            if ours is error:
                raise
            raise ours from error

    async def write(self, fn: Callable[[Connection, *Ts], R], *args: *Ts) -> R:
        """Run `fn` in one transaction; returns after its commit. Whatever it raises rolls it back."""
        return await self.write_in(Turn.REST, fn, *args)

    async def write_in(self, turn: Turn, fn: Callable[[Connection, *Ts], R], *args: *Ts) -> R:
        """`write` with its place at SQLite's writer: INGEST before STEP before REST."""
        done: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._submit(Call(fn, args, done, turn))
        return await done

    async def write_batch(self, fn: Callable[[Connection, Sequence[T]], Sequence[R]], item: T, turn: Turn = Turn.INGEST) -> R:
        """Items waiting for the same `fn` become one call `fn(conn, items)`; each caller gets its own result.

        `fn` returns one result per item, in order. When a batch raises, each item is tried alone.
        """
        done: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        if inside_write():
            raise RuntimeError("db.write_batch inside a write: pass the connection on instead")
        self._batches.add(fn, item, done, turn)
        return await done

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A read-only snapshot that may be held for many minutes: to copy the whole database. The writer goes on."""
        with self._reading.begin() as conn:
            if self.dialect == "postgresql":
                for limit in ("idle_in_transaction_session_timeout", "statement_timeout"):
                    conn.execute(text(f"set local {limit} = 0"))
            yield conn

    def write_now(self, fn: Callable[[Connection, *Ts], R], *args: *Ts) -> R:
        """`write` for threads without an event loop (CLI, start-up). Raises RuntimeError inside a write."""
        done: Future[R] = Future()
        self._submit(Call(fn, args, done))
        return done.result()

    def every(self, seconds: float, fn: Callable[[Connection], R], done: Callable[[R], None]) -> Callable[[], None]:
        """Write `fn(conn)` every `seconds`, whatever event loops do; returns how to stop it.

        On SQLite the writer thread runs it before everything else, on PostgreSQL a thread of its own.
        `done(result)` is called in that thread after the commit.
        """
        periodic = Periodic(seconds, fn, done)
        self._beats.add(periodic)
        return lambda: self._beats.remove(periodic)

    def vacuum(self, table: str) -> None:
        """Have PostgreSQL make room for what is dead in `table`, unless somebody is at that; blocks this thread.

        Nobody waits for it. An account that does not own the table is told so in the server's log, and nothing is done.
        """
        with self._writing.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text("set statement_timeout = 0"))
            try:
                conn.execute(text(f"vacuum (skip_locked, truncate false) {table}"))
            finally:
                conn.execute(text("reset statement_timeout"))

    def listen(self, listener: signals.Listener) -> Callable[[], None]:
        """Call `listener(topics)` after each commit that signalled, in the committing thread."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def announce(self, topics: frozenset[str]) -> None:
        """Tell the listeners of this process (also used for hints heard from other processes)."""
        for listener in list(self._listeners):
            listener(topics)

    def close(self) -> None:
        """Finish what waits and close every connection."""
        if self._writer is not None:
            self._writer.close()
            self._turnstile.close()
        else:
            self._beats.close()
            self._writers.shutdown()
        self._readers.close()
        for kept in self._kept_by_all:
            kept.close()
        self._writing.dispose()
        self._reading.dispose()

    def anchor_clock(self, conn: Connection) -> None:
        """Follow the PostgreSQL server's clock; SQLite lives on this machine and needs no anchor."""
        if self.dialect == "postgresql":
            clock.anchor(conn.execute(text("select clock_timestamp()")).scalar_one().astimezone(UTC))

    def _submit(self, call: Call) -> None:
        if inside_write():
            raise RuntimeError("db.write inside a write: pass the connection on instead")
        self._queue(call)

    def _queue(self, call: Call) -> None:
        if self._writer is not None:
            self._writer.submit(call)
        else:
            self._writers.submit(self._run_alone, call)

    def _kept(self) -> Kept:
        """The writing connection of this thread."""
        kept: Kept | None = getattr(self._own, "kept", None)
        if kept is None:
            kept = self._own.kept = Kept(self._writing)
            self._kept_by_all.append(kept)
        return kept

    def _run_group(self, take: Callable[[], Call | None]) -> None:
        """Run the calls that `take` hands out in one SQLite transaction, then tell their callers."""
        first = take()  # before the connection is opened: when that fails, somebody has to be told
        if first is None:
            return
        taken = [first]
        self.turns += 1
        try:
            with self._turnstile.turn(first=first.turn is Turn.INGEST):
                told, topics = self._kept().run(lambda conn: _run_calls(conn, lambda: take() or self.rides.board(conn), taken))
        except BaseException as error:  # noqa: BLE001 - every waiter of a failed group is told why
            told, topics = [Told(each, error=as_ours(error, "written")) for each in taken], frozenset()
        self.turns += 1
        tell(told)
        if topics:
            self.announce(topics)

    def _run_alone(self, call: Call) -> None:
        """Run one call in a PostgreSQL transaction of its own; deadlocks and broken connections are tried again."""
        for attempt in range(1, TRIES + 1):
            try:
                end, topics = self._kept().run(lambda conn: _run_one(conn, call))
                tell([end])
                if topics:
                    self.announce(topics)
                return
            except BaseException as error:  # noqa: BLE001 - handed to the caller
                if attempt == TRIES or not is_worth_another_try(error):
                    tell([Told(call, error=as_ours(error, "written"))])
                    return
                clock.sleep_until_tick(random.uniform(0.002, 0.02) * attempt)


def _run_calls(conn: Connection, take: Callable[[], Call | None], taken: list[Call]) -> tuple[list[Told], frozenset[str]]:
    """Run the one call in `taken` and what `take` hands out, each under a savepoint, and commit.

    `taken` are all of them, whatever is raised.
    """
    told = [_run_saved(conn, taken[0])]
    while (call := take()) is not None:
        taken.append(call)
        told.append(_run_saved(conn, call))
    _commit(conn)
    return told, signals.take(conn)


def _run_one(conn: Connection, call: Call) -> tuple[Told, frozenset[str]]:
    end = _run_plain(conn, call)
    _commit(conn)
    return end, signals.take(conn)


def _run_saved(conn: Connection, call: Call) -> Told:
    """Run a call under a savepoint; its error ends it alone, unless SQLite dropped the transaction."""
    savepoint = Savepoint(conn)
    mark_inside(True)
    try:
        result = call.run(conn, *call.args)
        savepoint.keep()
        return Told(call, result)
    except BaseException as error:
        if not in_transaction(conn):
            raise
        savepoint.undo()
        return Told(call, error=as_ours(error, "written"))
    finally:
        mark_inside(False)


def _run_plain(conn: Connection, call: Call) -> Told:
    mark_inside(True)
    try:
        return Told(call, call.run(conn, *call.args))
    finally:
        mark_inside(False)


def _commit(conn: Connection) -> None:
    """Commit; raises CommitUnknown when the connection broke and nobody can say whether it happened."""
    point("commit.before")
    try:
        conn.commit()
    except exc.DBAPIError as error:
        if conn.dialect.name == "postgresql" and (error.connection_invalidated or isinstance(error, exc.OperationalError)):
            raise CommitUnknown(f"connection lost in COMMIT: {error.orig}") from error
        raise
    point("commit.after")
