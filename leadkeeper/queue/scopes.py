"""Halting as one: the pending jobs of a scope (the account of a `send`) are parked and set free.

A parked job's run time is the year 9999. Which scopes are parked is one settings row, so that jobs
enqueued meanwhile are born parked, and jobs that were running return parked.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, select, update

from leadkeeper import clock
from leadkeeper.queue.rows import pending
from leadkeeper.store import settings_rows
from leadkeeper.store.schema import jobs, settings
from leadkeeper.store.signals import signal
from leadkeeper.store.upsert import insert_once

_ROW = "queue.parked"


def park(conn: Connection, scope: str) -> int:
    """Hold back every pending job of `scope`, and those to come; returns how many were pending."""
    _remember(conn, parked(conn, lock=True) | {scope})
    held = update(jobs).where(jobs.c.scope == scope, pending()).values(run_at=clock.FAR)
    count = conn.execute(held).rowcount
    signal(conn, "jobs", "stats")
    return count


def hold_back(conn: Connection, scope: str, until: datetime) -> int:
    """Let every pending job of `scope` wait until a moment, never less than it does; returns how many have to."""
    sooner = select(jobs.c.id).where(jobs.c.scope == scope, pending(), jobs.c.run_at < until)
    free = sooner.with_for_update(skip_locked=True)  # what a worker is taking just now finds out for itself
    return conn.execute(update(jobs).where(jobs.c.id.in_(free)).values(run_at=until)).rowcount


def release(conn: Connection, scope: str, until: datetime) -> int:
    """Let the pending jobs of `scope` that wait until exactly this moment run now; returns how many there were."""
    waiting = update(jobs).where(jobs.c.scope == scope, pending(), jobs.c.run_at == until)
    count = conn.execute(waiting.values(run_at=clock.now())).rowcount
    signal(conn, "jobs", "stats")
    return count


def unpark(conn: Connection, scope: str) -> int:
    """Let the parked jobs of `scope` run now; returns how many there were."""
    _remember(conn, parked(conn, lock=True) - {scope})
    freed = update(jobs).where(jobs.c.scope == scope, pending(), jobs.c.run_at == clock.FAR).values(run_at=clock.now())
    count = conn.execute(freed).rowcount
    signal(conn, "jobs", "stats")
    return count


def is_parked(conn: Connection, scope: str) -> bool:
    """True while `scope` is halted."""
    return scope in parked(conn)


def parked(conn: Connection, *, lock: bool = False) -> frozenset[str]:
    """The halted scopes. With `lock` none is halted or set free until this transaction commits."""
    if lock:  # two that are halted at once for the first time must meet at one row
        insert_once(conn, settings, [{"name": _ROW, "value": [], "updated_at": clock.now(), "updated_by": None}])
    return frozenset(settings_rows.get(conn, _ROW, (), lock="write" if lock else None))


def parked_among(conn: Connection, scopes: Iterable[str | None]) -> frozenset[str]:
    """Which of `scopes` are halted, held so until commit; asks nothing when there is no scope.

    Those that are not halted are not held so: a job born while its account is being halted is claimed
    once and snoozed. One born parked while its account is set free would wait for ever; hence the lock.
    """
    wanted = {scope for scope in scopes if scope is not None}
    if not wanted or wanted.isdisjoint(parked(conn)):
        return frozenset()
    return frozenset(settings_rows.get(conn, _ROW, (), lock="read"))


def _remember(conn: Connection, scopes: frozenset[str]) -> None:
    settings_rows.save(conn, _ROW, sorted(scopes))
