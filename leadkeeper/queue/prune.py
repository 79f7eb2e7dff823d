"""Finished jobs leave after a while: completed and cancelled ones after a week, failed ones after 90 days.

A batch is one short transaction. What ended in each minute stays counted (`minutes`), and what a job
did stands in the messages, decisions and rule runs it wrote.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Executable, and_, any_, bindparam, delete, func, select

from leadkeeper import clock
from leadkeeper.store.prepared import Prepared
from leadkeeper.store.schema import jobs
from leadkeeper.store.types import EPOCH, Instant


@dataclass(frozen=True, slots=True)
class Kept:
    """How long finished jobs stay, and how often a worker looks for those that stay no longer.

    After a batch it rests for `rest` times as long as that took.
    """

    done: timedelta = timedelta(days=7)
    failed: timedelta = timedelta(days=90)
    look: timedelta = timedelta(minutes=1)
    rest: float = 1.0


KEPT = Kept()
"""The product's."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many jobs left; `full`: there may be more. The two moments are where the next batch begins:
    on PostgreSQL what was deleted just now lies before them and would be walked over again."""

    count: int = 0
    full: bool = False
    done_from: datetime = EPOCH
    failed_from: datetime = EPOCH


def prune(conn: Connection, kept: Kept, most: int, before: Pruned) -> Pruned:
    """Delete the oldest finished jobs that are kept no longer, at most `most` of them, going on behind `before`.

    Jobs another worker is deleting just now are passed over.
    """
    now = clock.now()
    done = _DONE.scalars(conn, since=before.done_from, until=now - kept.done, most=most)
    room = most - len(done)
    failed = _FAILED.scalars(conn, since=before.failed_from, until=now - kept.failed, most=room) if room else []
    return Pruned(
        count=len(done) + len(failed),
        full=len(done) + len(failed) == most,
        done_from=max(done, default=before.done_from),
        failed_from=max(failed, default=before.failed_from),
    )


def _oldest(which: ColumnElement[bool], dialect: str) -> Executable:
    since, until = bindparam("since", type_=Instant), bindparam("until", type_=Instant)
    old = select(jobs.c.id).where(jobs.c.completed_at >= since, jobs.c.completed_at < until, which)
    some = old.order_by(jobs.c.completed_at).limit(bindparam("most")).with_for_update(skip_locked=True)
    # An array, not a join: PostgreSQL would read the whole table for a join with a thousand rows
    among = jobs.c.id.in_(some) if dialect == "sqlite" else jobs.c.id == any_(func.array(some.scalar_subquery()))
    return delete(jobs).where(among).returning(jobs.c.completed_at)


# Each says what it is not: SQLite would walk all of one status rather than the oldest
_DONE = Prepared(lambda dialect: _oldest(jobs.c.status != "failed", dialect))
_FAILED = Prepared(lambda dialect: _oldest(and_(jobs.c.status != "completed", jobs.c.status != "cancelled"), dialect))
