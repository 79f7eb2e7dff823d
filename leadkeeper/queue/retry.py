"""Trying again: the wait after a failed try, and a person's "queue it again"."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from random import Random
from typing import Any

from sqlalchemy import Connection, exc, select, update

from leadkeeper import clock
from leadkeeper.queue.give_back import merge_twins
from leadkeeper.queue.handlers import job_types
from leadkeeper.queue.jobs import Claimed
from leadkeeper.queue.promote import hold_keys, promote
from leadkeeper.queue.rows import CLAIMED
from leadkeeper.queue.scopes import parked_among
from leadkeeper.store.savepoint import Savepoint
from leadkeeper.store.schema import jobs
from leadkeeper.store.signals import signal

FACTOR = 4
LONGEST = timedelta(hours=1)
SPREAD = 0.2


def backoff(attempt: int, random: Random, base: timedelta = timedelta(seconds=15)) -> timedelta:
    """Wait before the next try: 15 s, 60 s, 240 s, ... at most one hour, plus or minus 20 %.

    `attempt` counts from 1, the try that has just failed; `base` is BACKOFF_SECONDS. The spread
    keeps jobs that failed together from returning together. Raises ValueError for attempt < 1.
    """
    if attempt < 1:
        raise ValueError(f"attempt counts from 1, not {attempt}")
    wait = min(base * int(FACTOR ** min(attempt - 1, 20)), LONGEST)
    return wait * random.uniform(1 - SPREAD, 1 + SPREAD)


def redrive(conn: Connection, ids: Sequence[int]) -> list[int]:
    """Put failed jobs back into the queue with a fresh set of tries; returns those that were failed.

    A job takes its old place in the order of its key. Its type's `when_redriven` runs in this
    transaction; whether a job may be redriven is for the caller to know.
    """
    job_types.load()
    failed = select(*CLAIMED, jobs.c.dedupe).where(jobs.c.id.in_(ids), jobs.c.status == "failed")
    rows = conn.execute(failed.order_by(jobs.c.key, jobs.c.id).with_for_update()).all()
    revived = [Claimed(*row[: len(CLAIMED)]) for row in _without_twins(rows)]
    if revived:
        hold_keys(conn, {job.key for job in revived if job.key is not None})
        merge_twins(conn, [job.id for job in revived])
        _revive(conn, revived)
        _promote_apart(conn, {job.key for job in revived if job.key is not None})
    for job in revived:
        known = job_types.peek(job.type)
        if known is not None and known.when_redriven is not None:
            known.when_redriven(conn, job)
    signal(conn, "jobs", "stats")
    return sorted(job.id for job in revived)


def _without_twins(rows: Sequence[Any]) -> list[Any]:
    """The first of each `dedupe`: only one of them may be pending."""
    first = {row.dedupe if row.dedupe is not None else row.id: row for row in reversed(rows)}
    return [row for row in rows if first[row.dedupe if row.dedupe is not None else row.id] is row]


def _revive(conn: Connection, revived: Sequence[Claimed]) -> None:
    """Pending again: followers at first, and parked if their scope is."""
    parked = parked_among(conn, (job.scope for job in revived))
    fresh = {"status": "pending", "attempts": 0, "error": None, "worker": None, "cancel_requested": False}
    fresh |= {"started_at": None, "completed_at": None, "lease_until": None, "head": jobs.c.key.is_(None)}
    for is_parked in (False, True):
        ids = [job.id for job in revived if (job.scope in parked) == is_parked]
        if ids:
            run_at = clock.FAR if is_parked else clock.now()
            conn.execute(update(jobs).where(jobs.c.id.in_(ids)).values(**fresh, run_at=run_at))


def _promote_apart(conn: Connection, keys: Collection[str]) -> None:
    """Give keys without a head one. An enqueue beside us may be faster: then that one is the head."""
    savepoint = Savepoint(conn)
    try:
        promote(conn, keys)
        savepoint.keep()
    except exc.IntegrityError:
        savepoint.undo()
