"""Taking work back: by a person, or because what it was for is settled."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, update

from leadkeeper.queue.endings import Ending, end, settle
from leadkeeper.queue.handlers import job_types
from leadkeeper.queue.jobs import Claimed
from leadkeeper.queue.promote import hold_keys, promote
from leadkeeper.queue.rows import CLAIMED, pending, unfinished
from leadkeeper.store.schema import jobs
from leadkeeper.store.signals import signal


def cancel(conn: Connection, ids: Sequence[int], reason: str) -> list[int]:
    """A person cancels jobs; returns those that were pending or running, finished ones are left alone.

    A pending job is `cancelled` now and its type's `when_failed` runs; a running one is asked to
    stop and ends by its worker's hand. Raises EffectRaised when `when_failed` does.
    """
    job_types.load()
    rows = _hold(conn, ids)
    waiting = [row for row in rows if row.status == "pending"]
    endings = _end(conn, waiting, reason, settled=True)
    for ending in endings:
        settle(conn, ending)
    running = [row.id for row in rows if row.status == "processing"]
    if running:
        conn.execute(update(jobs).where(jobs.c.id.in_(running)).values(cancel_requested=True))
        signal(conn, "cancel")
    return [row.id for row in rows]


def cancel_key(
    conn: Connection,
    key: str,
    types: Collection[str],
    reason: str,
    only: Callable[[Mapping[str, Any]], bool] | None = None,
) -> list[int]:
    """Cancel the waiting jobs of `key` and of these types, those whose data `only` picks; returns their ids.

    What runs is left to find out by itself; nothing is settled: the caller knows what it does.
    """
    hold_keys(conn, [key])
    return _cancel_waiting(conn, types, reason, only, jobs.c.key == key)


def cancel_types(
    conn: Connection, types: Collection[str], reason: str, only: Callable[[Mapping[str, Any]], bool] | None = None
) -> list[int]:
    """`cancel_key` for the jobs of every key, and of none: for when no worker can be at them."""
    return _cancel_waiting(conn, types, reason, only)


def _cancel_waiting(
    conn: Connection,
    types: Collection[str],
    reason: str,
    only: Callable[[Mapping[str, Any]], bool] | None,
    *where: ColumnElement[bool],
) -> list[int]:
    wanted = select(*CLAIMED, jobs.c.status).where(jobs.c.type.in_(sorted(types)), pending(), *where)
    rows = conn.execute(wanted.order_by(jobs.c.id).with_for_update()).all()
    if only is not None:
        rows = [row for row in rows if only(row.data)]
    return [ending.job.id for ending in _end(conn, rows, reason, settled=False)]


def _hold(conn: Connection, ids: Sequence[int]) -> Sequence[Any]:
    """The unfinished jobs among `ids`, locked; the heads of their keys first."""
    keys = conn.execute(select(jobs.c.key).where(jobs.c.id.in_(ids), jobs.c.key.is_not(None)).distinct()).scalars()
    hold_keys(conn, [str(key) for key in keys])
    rows = select(*CLAIMED, jobs.c.status).where(jobs.c.id.in_(ids), unfinished())
    return conn.execute(rows.order_by(jobs.c.key, jobs.c.id).with_for_update()).all()


def _end(conn: Connection, rows: Sequence[Any], reason: str, *, settled: bool) -> list[Ending]:
    endings = [Ending(Claimed(*row[: len(CLAIMED)]), "cancelled", reason, settled) for row in rows]
    end(conn, endings)
    promote(conn, {ending.job.key for ending in endings if ending.job.key is not None})
    signal(conn, "jobs", "stats")
    return endings
