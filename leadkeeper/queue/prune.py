"""Finished jobs leave after a while: completed and cancelled ones after a week, failed ones after 90 days.

A batch is one short transaction. What ended in each minute stays counted (`minutes`), and what a job
did stands in the messages, decisions and rule runs it wrote.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Delete, and_, bindparam, delete, select

from leadkeeper import clock
from leadkeeper.crashpoints import point
from leadkeeper.store.prepared import Prepared
from leadkeeper.store.schema import jobs
from leadkeeper.store.types import EPOCH, Instant

BATCH = 1_000
"""Jobs one transaction deletes: a few milliseconds."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How long finished jobs stay, and how often a worker looks for those that stay no longer."""

    done: timedelta = timedelta(days=7)
    failed: timedelta = timedelta(days=90)
    look: timedelta = timedelta(minutes=1)


KEPT = Kept()
"""The product's."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What is gone by now. `full`: there may be more. The two moments are where the next look begins:
    on PostgreSQL what was deleted just now lies before them and would be walked over again."""

    full: bool = False
    count: int = 0
    done_from: datetime = EPOCH
    failed_from: datetime = EPOCH


def prune(conn: Connection, kept: Kept, so_far: Pruned) -> Pruned:
    """Delete the oldest finished jobs that are kept no longer, at most `BATCH` of them.

    Jobs another worker is deleting just now are passed over.
    """
    now = clock.now()
    done = _DONE.scalars(conn, since=so_far.done_from, until=now - kept.done)
    if len(done) == BATCH:
        point("prune.deleted")
        return replace(so_far, full=True, count=so_far.count + BATCH, done_from=max(done))
    failed = _FAILED.scalars(conn, since=so_far.failed_from, until=now - kept.failed)
    point("prune.deleted")
    full = len(failed) == BATCH
    gone = so_far.count + len(done) + len(failed)
    return Pruned(full, gone, EPOCH, max(failed) if full else EPOCH)


def _oldest(which: ColumnElement[bool]) -> Delete:
    since, until = bindparam("since", type_=Instant), bindparam("until", type_=Instant)
    old = select(jobs.c.id).where(jobs.c.completed_at >= since, jobs.c.completed_at < until, which)
    some = old.order_by(jobs.c.completed_at).limit(BATCH).with_for_update(skip_locked=True)
    return delete(jobs).where(jobs.c.id.in_(some)).returning(jobs.c.completed_at)


# Each says what it is not: SQLite would walk all of one status rather than the oldest
_DONE = Prepared(_oldest(jobs.c.status != "failed"))
_FAILED = Prepared(_oldest(and_(jobs.c.status != "completed", jobs.c.status != "cancelled")))
