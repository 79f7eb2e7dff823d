"""Taking due jobs: lane by lane, most urgent first, each with a new claim number.

First it is asked which lanes have work, and the first run time of each (`lanes`). A lane whose first job is in
the future costs nothing more, however many timers it holds; and the earliest future run time says how long
the worker may sleep.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Update,
    bindparam,
    literal_column,
    or_,
    select,
    update,
)

from leadkeeper import clock
from leadkeeper.crashpoints import point
from leadkeeper.queue.jobs import BULK_FROM, Claimed
from leadkeeper.queue.lanes import Horizon, look
from leadkeeper.queue.rows import CLAIMED, LONELY, ready
from leadkeeper.queue.shares import BULK, Shares
from leadkeeper.store.given import IDS, TEXT, Given
from leadkeeper.store.prepared import Prepared, Row
from leadkeeper.store.schema import jobs
from leadkeeper.store.types import EPOCH, Instant

OLDEST_EVERY = 10
"""One slot in so many takes the oldest due job of any lane, so that no lane starves."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a worker asks for. `before` counts its claims so far, for the tenth slot; None: strictly by lane.

    `shares` says how many of the `slots` the lanes nobody waits for (`BULK_FROM`) and each scope may have, and
    counts what is taken; None: any of them may have all. `horizon` is that of the claim before.
    """

    worker: str
    slots: int
    before: int | None
    lease: timedelta
    shares: Shares | None = None
    horizon: Horizon | None = None

    @property
    def oldest(self) -> int:
        """How many of these slots go to the oldest due jobs."""
        before = self.before
        return 0 if before is None else (before + self.slots) // OLDEST_EVERY - before // OLDEST_EVERY

    def room(self, taken: Sequence[Claimed], *, bulk: bool) -> int:
        """How many more may be taken, of the bulk lanes or of the others."""
        left = self.slots - len(taken)
        return left if not bulk or self.shares is None else min(left, self.shares.room(BULK))


@dataclass(frozen=True, slots=True)
class Taken:
    """What it got, most urgent first; `next_at` is when the next pending job is due, past or future.

    Jobs that are due and found no room in their share do not count: they come when one before them ends.
    Beyond a `horizon` there may be more, so the next look is due when that ends.
    """

    jobs: list[Claimed]
    next_at: datetime | None
    horizon: Horizon | None = None


def claim(conn: Connection, wanted: Wanted) -> Taken:
    """Take up to `wanted.slots` due jobs. Rows another worker is taking just now are passed over."""
    now = clock.now()
    common = {"now": now, "worker": wanted.worker, "lease_until": now + wanted.lease}
    lanes, horizon = look(conn, wanted.horizon, now)
    due = [lane for lane in lanes if lane.run_at <= now]
    point("claim.lanes_read")
    taken = _oldest(conn, wanted, due, common)
    for lane in due:
        room = wanted.room(taken, bulk=lane.priority >= BULK_FROM)
        taken += _take(conn, wanted, _OF_LANE, common | {"lane": lane.priority, "since": lane.run_at}, room)
    point("claim.taken")
    full = len(taken) >= wanted.slots
    later = [lane.run_at for lane in lanes if full or lane.run_at > now]
    if horizon is not None:
        later.append(now + timedelta(seconds=max(0.0, horizon.until - clock.monotonic())))
    return Taken(sorted(taken, key=Claimed.urgency), min(later, default=None), horizon)


def claim_lonely(conn: Connection, wanted: Wanted) -> Taken:
    """Take one due job that must run alone: its worker has nothing else in hand."""
    now = clock.now()
    common = {"now": now, "worker": wanted.worker, "lease_until": now + wanted.lease, "most": 1, "since": EPOCH}
    alone: list[Any] = _TAKE_LONELY.all(conn, **common)
    return Taken(alone, None)


def lonely_due(conn: Connection) -> bool:
    """True when a job that must run alone is waiting."""
    query = select(jobs.c.id).where(ready(), _lonely(), jobs.c.run_at <= clock.now()).limit(1)
    return conn.execute(query).first() is not None


def _oldest(conn: Connection, wanted: Wanted, due: Sequence[Row], common: dict[str, Any]) -> list[Claimed]:
    """The tenth slots: the oldest of any lane while bulk has room, then of the urgent lane that has waited longest."""
    if not due or not wanted.oldest:
        return []
    most = min(wanted.oldest, wanted.room([], bulk=True))
    taken = _take(conn, wanted, _OLDEST, common | {"since": min(lane.run_at for lane in due)}, most)
    urgent = [lane for lane in due if lane.priority < BULK_FROM]
    if urgent and most < wanted.oldest:
        lane = min(urgent, key=lambda lane: lane.run_at)
        of_lane = common | {"lane": lane.priority, "since": lane.run_at}
        taken += _take(conn, wanted, _OF_LANE, of_lane, wanted.oldest - most)
    return taken


def _take(conn: Connection, wanted: Wanted, which: "_Which", values: dict[str, Any], most: int) -> list[Claimed]:
    """Up to `most` of them. What is more than a scope's share is let go again, and others are taken in its place."""
    taken: list[Claimed] = []
    while most > len(taken):
        got: list[Any] = which.all(conn, wanted.shares, values | {"most": most - len(taken)})
        if wanted.shares is None:
            return got
        kept = [job for job in sorted(got, key=Claimed.urgency) if wanted.shares.take(job)]
        taken += kept
        if len(kept) == len(got):
            break
        point("claim.shared")
        mine = {job.id for job in kept}
        _LET_GO.run(conn, **IDS.values(conn.dialect.name, [(job.id,) for job in got if job.id not in mine]))
    return taken


def _lonely() -> ColumnElement[bool]:
    return jobs.c.losses >= literal_column(str(LONELY))


def _letting_go(dialect: str) -> Update:
    """Pending as before; the claim number stays used."""
    ids = IDS.table(dialect)
    before = {"worker": None, "lease_until": None, "started_at": None, "attempts": jobs.c.attempts - 1}
    return update(jobs).where(jobs.c.id == ids.c.id).values(status="pending", **before)


class _Which:
    """Statements that take the due jobs of some kind: of all scopes, and of those that do not have their share."""

    def __init__(self, *which: ColumnElement[bool]) -> None:
        self._every = Prepared(_taking(*which), into=Claimed)
        self._others = Prepared(lambda dialect: _taking(*which, _of_others(dialect)), into=Claimed)

    def all(self, conn: Connection, shares: Shares | None, values: dict[str, Any]) -> list[Any]:
        """Take them."""
        full = shares.full() if shares is not None else []
        if not full:
            return self._every.all(conn, **values)
        return self._others.all(conn, **values, **_FULL.values(conn.dialect.name, [(scope,) for scope in full]))


def _of_others(dialect: str) -> ColumnElement[bool]:
    return or_(jobs.c.scope.is_(None), jobs.c.scope.not_in(select(_FULL.table(dialect).c.scope)))


def _taking(*which: ColumnElement[bool], first: Sequence[ColumnElement[Any]] = ()) -> Update:
    """`since`: nothing is due before, so nothing before is walked over (lanes.py)."""
    since, now = bindparam("since", type_=Instant), bindparam("now", type_=Instant)
    due = (
        select(jobs.c.id)
        .where(ready(), *which, jobs.c.run_at >= since, jobs.c.run_at <= now)
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


_FULL = Given("full", scope=TEXT)
_OF_LANE = _Which(jobs.c.priority == bindparam("lane"), jobs.c.losses < LONELY)
_OLDEST = _Which(jobs.c.losses < LONELY)
_LET_GO = Prepared(_letting_go)
_TAKE_LONELY = Prepared(_taking(_lonely(), first=(jobs.c.losses,)), into=Claimed)
