"""Whose job is it: renewing the leases of what we hold, taking over what a dead worker held.

A lost worker uses no try of its jobs, which are due again at once. But one of them may be what kills
workers: after its second loss a job runs alone, and from then on a loss counts as a try.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Select, Update, bindparam, select, update

from leadkeeper import clock
from leadkeeper.crashpoints import point
from leadkeeper.queue.endings import BY_PERSON, EffectRaised, Ending, end, settle
from leadkeeper.queue.give_back import Back, give_back
from leadkeeper.queue.jobs import Claimed
from leadkeeper.queue.promote import promote
from leadkeeper.queue.rows import CLAIMED, HELD, LONELY, processing
from leadkeeper.queue.scopes import parked_among
from leadkeeper.queue.tries import TryError, record
from leadkeeper.store.prepared import Prepared
from leadkeeper.store.savepoint import Savepoint
from leadkeeper.store.schema import jobs
from leadkeeper.store.signals import signal
from leadkeeper.store.types import Instant

log = logging.getLogger(__name__)

MOST = 500
"""Jobs one rescue takes over; the next follows at once while there are more."""
LOST = "worker lost"


@dataclass(frozen=True, slots=True)
class Renewed:
    """The claims that are still ours, and those of them a person wants stopped."""

    held: list[tuple[int, int]]
    cancelled: list[int]


def renew(conn: Connection, pairs: Sequence[tuple[int, int]], lease: timedelta) -> Renewed:
    """Lengthen the leases of these (id, claim) pairs in one statement."""
    if not pairs:
        return Renewed([], [])
    values = HELD.values(conn.dialect.name, pairs) | {"lease_until": clock.now() + lease}
    rows = _RENEW.all(conn, **values)
    point("renew.renewed")
    return Renewed([(row.id, row.claim) for row in rows], [row.id for row in rows if row.cancel_requested])


def release(conn: Connection, pairs: Sequence[tuple[int, int]]) -> int:
    """Give claimed jobs back untouched (a worker stops): due at once, their try not used; how many."""
    rows = _STILL_HELD.all(conn, **HELD.values(conn.dialect.name, pairs))
    parked = parked_among(conn, (row.scope for row in rows))
    give_back(conn, [_back(row, parked, attempts=row.attempts - 1, losses=row.losses, error=None) for row in rows])
    signal(conn, "jobs", "stats")
    return len(rows)


def free_all(conn: Connection) -> int:
    """Give back untouched whatever any worker holds; how many. For when none of them can be alive: after a restore."""
    held = conn.execute(select(jobs.c.id, jobs.c.claim).where(processing()).order_by(jobs.c.id)).all()
    for at in range(0, len(held), MOST):
        release(conn, [(row.id, row.claim) for row in held[at : at + MOST]])
    return len(held)


def rescue(conn: Connection, me: str, holding: Collection[int]) -> int:
    """Take over jobs whose lease has run out, except those this worker holds; how many."""
    mine = set(holding)
    query = select(*CLAIMED, jobs.c.worker, jobs.c.cancel_requested).where(processing(), jobs.c.lease_until < clock.now())
    rows = conn.execute(query.order_by(jobs.c.lease_until).limit(MOST).with_for_update(skip_locked=True)).all()
    return _take_over(conn, [row for row in rows if row.worker != me or row.id not in mine])


def take_orphans(conn: Connection, workers: Collection[str]) -> int:
    """Take over every job of workers known to be dead, whatever their leases say; how many."""
    if not workers:
        return 0
    query = select(*CLAIMED, jobs.c.worker, jobs.c.cancel_requested).where(processing(), jobs.c.worker.in_(sorted(workers)))
    return _take_over(conn, conn.execute(query.limit(MOST).with_for_update(skip_locked=True)).all())


def _take_over(conn: Connection, rows: Sequence[Any]) -> int:
    if not rows:
        return 0
    point("rescue.found")
    parked = parked_among(conn, (row.scope for row in rows))
    endings: list[Ending] = []
    backs: list[Back] = []
    for row in rows:
        job = Claimed(*row[: len(CLAIMED)])
        alone = job.losses >= LONELY
        if row.cancel_requested:
            endings.append(Ending(job, "cancelled", BY_PERSON, settle=True))
        elif alone and job.attempts > job.max_retries:
            endings.append(Ending(job, "failed", f"{LOST} {job.losses + 1} times", settle=True))
        else:
            attempts = job.attempts if alone else job.attempts - 1
            backs.append(_back(row, parked, attempts=attempts, losses=job.losses + 1, error=LOST))
    end(conn, endings)
    give_back(conn, backs)
    promote(conn, {ending.job.key for ending in endings if ending.job.key is not None})
    point("rescue.given_back")
    record(conn, [TryError(row.id, row.attempts, row.worker, "lost", LOST) for row in rows])
    for ending in endings:
        _settle_apart(conn, ending)
    signal(conn, "jobs", "stats")
    return len(rows)


def _back(row: Any, parked: Collection[str], *, attempts: int, losses: int, error: str | None) -> Back:
    return Back(row.id, clock.FAR if row.scope in parked else clock.now(), max(0, attempts), losses, error)


def _settle_apart(conn: Connection, ending: Ending) -> None:
    """One job whose `when_failed` raises must not keep the others from being rescued."""
    savepoint = Savepoint(conn)
    try:
        settle(conn, ending)
        savepoint.keep()
    except EffectRaised as error:
        savepoint.undo()
        record(conn, [TryError(ending.job.id, ending.job.attempts, None, "fail", str(error))])
        log.error("a rescued job could not be settled", exc_info=error)


def _renew(dialect: str) -> Update:
    held = HELD.table(dialect)
    return (
        update(jobs)
        .where(jobs.c.id == held.c.id, jobs.c.claim == held.c.claim, processing())
        .values(lease_until=bindparam("lease_until", type_=Instant))
        .returning(jobs.c.id, jobs.c.claim, jobs.c.cancel_requested)
    )


def _still_held(dialect: str) -> Select[Any]:
    held = HELD.table(dialect)
    ours = select(*CLAIMED).where(jobs.c.id == held.c.id, jobs.c.claim == held.c.claim, processing())
    return ours.order_by(jobs.c.key, jobs.c.id).with_for_update(of=jobs)


_RENEW = Prepared(_renew)
_STILL_HELD = Prepared(_still_held)
