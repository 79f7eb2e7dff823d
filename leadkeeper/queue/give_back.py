"""Jobs that return to pending: after a failed try, a snooze, a lost worker or a stop.

A job with a `dedupe` may find that another one of that name was enqueued while it ran. The one that
returns is the older and keeps its place; the other ends as `merged`, in the same transaction. Two of
one name may also return together, both having run: the older of them keeps its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Update, bindparam, type_coerce, update

from leadkeeper import clock
from leadkeeper.crashpoints import point
from leadkeeper.queue.minutes import count
from leadkeeper.queue.promote import promote
from leadkeeper.queue.rows import pending
from leadkeeper.store.given import IDS, NUMBER, TEXT, Given
from leadkeeper.store.prepared import Prepared
from leadkeeper.store.schema import jobs
from leadkeeper.store.types import Instant, micros

MERGED = "merged"


@dataclass(frozen=True, slots=True)
class Back:
    """A job on its way back to pending."""

    id: int
    run_at: datetime
    attempts: int
    losses: int
    error: str | None


_OTHERS = Given("others", id=NUMBER)
_BACK = Given("back", id=NUMBER, run_at=NUMBER, attempts=NUMBER, losses=NUMBER, error=TEXT)


def give_back(conn: Connection, back: Sequence[Back]) -> None:
    """Make these jobs pending again. The caller holds their rows and has checked the fence."""
    if not back:
        return
    ids = [each.id for each in back]
    merged = _merge_among(conn, ids) if len(ids) > 1 else set()
    merge_twins(conn, [job_id for job_id in ids if job_id not in merged])
    point("give_back.merged")
    rows = [(each.id, micros(each.run_at), each.attempts, each.losses, each.error) for each in back if each.id not in merged]
    _GIVE_BACK.run(conn, **_BACK.values(conn.dialect.name, rows))


def merge_twins(conn: Connection, ids: Sequence[int]) -> None:
    """Cancel as merged the pending jobs whose `dedupe` one of `ids` is about to take again."""
    _end_as_merged(conn, _MERGE, ids)


def _merge_among(conn: Connection, ids: Sequence[int]) -> set[int]:
    """Of jobs that return together under one `dedupe` only the oldest does; the others' ids."""
    return _end_as_merged(conn, _MERGE_AMONG, ids, **_OTHERS.values(conn.dialect.name, [(job_id,) for job_id in ids]))


def _end_as_merged(conn: Connection, statement: Prepared, ids: Sequence[int], **others: Any) -> set[int]:
    values = IDS.values(conn.dialect.name, [(job_id,) for job_id in ids])
    merged = statement.all(conn, **values, **others, now=clock.now())
    count(conn, cancelled=len(merged))
    promote(conn, [row.key for row in merged if row.head and row.key is not None])
    return {row.id for row in merged}


def _merge(dialect: str) -> Update:
    ids = IDS.table(dialect)
    returning = jobs.alias("returning_one")
    twin = (returning.c.id == ids.c.id) & (returning.c.dedupe == jobs.c.dedupe) & (returning.c.id != jobs.c.id)
    return (
        update(jobs)
        .where(twin, jobs.c.dedupe.is_not(None), pending())
        .values(status="cancelled", error=MERGED, completed_at=bindparam("now", type_=Instant))
        .returning(jobs.c.id, jobs.c.key, jobs.c.head)
    )


def _merged_among(dialect: str) -> Update:
    ids, other = IDS.table(dialect), _OTHERS.table(dialect)
    older = jobs.alias("older_one")
    twin = (older.c.id == other.c.id) & (older.c.dedupe == jobs.c.dedupe) & (older.c.id < jobs.c.id)
    return (
        update(jobs)
        .where(jobs.c.id == ids.c.id, twin)
        .values(status="cancelled", error=MERGED, completed_at=bindparam("now", type_=Instant), lease_until=None)
        .returning(jobs.c.id, jobs.c.key, jobs.c.head)
    )


def _give_back(dialect: str) -> Update:
    back = _BACK.table(dialect)
    return (
        update(jobs)
        .where(jobs.c.id == back.c.id)
        .values(
            status="pending",
            run_at=type_coerce(back.c.run_at, Instant),
            attempts=back.c.attempts,
            losses=back.c.losses,
            error=back.c.error,
            worker=None,
            lease_until=None,
            started_at=None,
            cancel_requested=False,
        )
    )


_MERGE = Prepared(_merge)
_MERGE_AMONG = Prepared(_merged_among)
_GIVE_BACK = Prepared(_give_back)
