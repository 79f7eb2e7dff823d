"""Taking due jobs: lane by lane, most urgent first, each with a new claim number.

The lanes in use are found by skipping through the index, one look-up a lane, together with the
first run time of each. A lane whose first job is in the future costs nothing more, however many
timers it holds; and the earliest future run time says how long the worker may sleep.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, SmallInteger, Update, bindparam, func, literal_column, select, update

from leadkeeper import clock
from leadkeeper.crashpoints import point
from leadkeeper.queue.jobs import BULK_FROM, Claimed
from leadkeeper.queue.rows import CLAIMED, LONELY, ready
from leadkeeper.store.prepared import Prepared, Row
from leadkeeper.store.schema import jobs
from leadkeeper.store.types import Instant

OLDEST_EVERY = 10
"""One slot in so many takes the oldest due job of any lane, so that no lane starves."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a worker asks for. `before` counts its claims so far, for the tenth slot; None: strictly by lane.

    Of the `slots` at most `bulk` go to the lanes nobody waits for (`BULK_FROM`); None: any of them may.
    """

    worker: str
    slots: int
    before: int | None
    lease: timedelta
    bulk: int | None = None

    @property
    def oldest(self) -> int:
        """How many of these slots go to the oldest due jobs."""
        before = self.before
        return 0 if before is None else (before + self.slots) // OLDEST_EVERY - before // OLDEST_EVERY

    def room(self, taken: Sequence[Claimed], *, bulk: bool) -> int:
        """How many more may be taken, of the bulk lanes or of the others."""
        left = self.slots - len(taken)
        if not bulk or self.bulk is None:
            return left
        return min(left, self.bulk - sum(job.bulk for job in taken))


@dataclass(frozen=True, slots=True)
class Taken:
    """What it got, most urgent first; `next_at` is when the next pending job is due, past or future.

    Bulk jobs that are due and found no room do not count: they come when one before them ends.
    """

    jobs: list[Claimed]
    next_at: datetime | None


def claim(conn: Connection, wanted: Wanted) -> Taken:
    """Take up to `wanted.slots` due jobs. Rows another worker is taking just now are passed over."""
    now = clock.now()
    common = {"now": now, "worker": wanted.worker, "lease_until": now + wanted.lease}
    lanes = sorted(_LANES.all(conn), key=lambda lane: int(lane.priority))
    due = [lane for lane in lanes if lane.run_at <= now]
    point("claim.lanes_read")
    taken = _oldest(conn, wanted, due, common)
    for lane in due:
        room = wanted.room(taken, bulk=lane.priority >= BULK_FROM)
        if room > 0:
            taken += _take(conn, _TAKE, common | {"most": room, "lane": lane.priority})
    point("claim.taken")
    full = len(taken) >= wanted.slots
    later = [lane.run_at for lane in lanes if full or lane.run_at > now]
    return Taken(sorted(taken, key=Claimed.urgency), min(later, default=None))


def claim_lonely(conn: Connection, wanted: Wanted) -> Taken:
    """Take one due job that must run alone: its worker has nothing else in hand."""
    now = clock.now()
    common = {"now": now, "worker": wanted.worker, "lease_until": now + wanted.lease, "most": 1}
    return Taken(_take(conn, _TAKE_LONELY, common), None)


def lonely_due(conn: Connection) -> bool:
    """True when a job that must run alone is waiting."""
    query = select(jobs.c.id).where(ready(), _lonely(), jobs.c.run_at <= clock.now()).limit(1)
    return conn.execute(query).first() is not None


def _oldest(conn: Connection, wanted: Wanted, due: Sequence[Row], common: dict[str, Any]) -> list[Claimed]:
    """The tenth slots: the oldest of any lane while bulk has room, then of the urgent lane that has waited longest."""
    if not due or not wanted.oldest:
        return []
    most = min(wanted.oldest, wanted.room([], bulk=True))
    taken = _take(conn, _TAKE_OLDEST, common | {"most": most}) if most > 0 else []
    urgent = [lane for lane in due if lane.priority < BULK_FROM]
    if urgent and most < wanted.oldest:
        lane = min(urgent, key=lambda lane: lane.run_at)
        taken += _take(conn, _TAKE, common | {"most": wanted.oldest - max(most, 0), "lane": lane.priority})
    return taken


def _take(conn: Connection, statement: Prepared, values: dict[str, Any]) -> list[Claimed]:
    taken: list[Any] = statement.all(conn, **values)
    return taken


def _lonely() -> ColumnElement[bool]:
    return jobs.c.losses >= literal_column(str(LONELY))


def _lanes() -> Select[Any]:
    first, later, earliest = jobs.alias("first"), jobs.alias("later"), jobs.alias("earliest")
    lanes = select(func.min(first.c.priority, type_=SmallInteger).label("priority")).where(ready(first))
    walk = lanes.cte("lanes", recursive=True)
    following = select(func.min(later.c.priority)).where(ready(later), later.c.priority > walk.c.priority).scalar_subquery()
    walk = walk.union_all(select(following).where(walk.c.priority.is_not(None)))
    run_at = (
        select(earliest.c.run_at)
        .where(ready(earliest), earliest.c.priority == walk.c.priority)
        .order_by(earliest.c.run_at)
        .limit(1)
        .scalar_subquery()
    )
    return select(walk.c.priority, run_at.label("run_at")).where(walk.c.priority.is_not(None))


def _taking(*which: ColumnElement[bool], first: Sequence[ColumnElement[Any]] = ()) -> Update:
    due = (
        select(jobs.c.id)
        .where(ready(), *which, jobs.c.run_at <= bindparam("now", type_=Instant))
        .order_by(*first, jobs.c.run_at, jobs.c.id)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    return (
        update(jobs)
        .where(jobs.c.id.in_(select(due.c.id)))
        .values(
            status="processing",
            attempts=jobs.c.attempts + 1,
            claim=jobs.c.claim + 1,
            worker=bindparam("worker"),
            lease_until=bindparam("lease_until"),
            started_at=bindparam("now", type_=Instant),
        )
        .returning(*CLAIMED)
    )


_LANES = Prepared(_lanes())
_TAKE = Prepared(_taking(jobs.c.priority == bindparam("lane"), jobs.c.losses < LONELY), into=Claimed)
_TAKE_OLDEST = Prepared(_taking(jobs.c.losses < LONELY), into=Claimed)
_TAKE_LONELY = Prepared(_taking(_lonely(), first=(jobs.c.losses,)), into=Claimed)
