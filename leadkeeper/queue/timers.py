"""Recurring work: cron rows in the business's time zone.

Whoever moves `next_at` forward by compare-and-set enqueues the job in the same transaction: once a
slot, without electing a leader. Slots missed while nothing ran collapse into one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from sqlalchemy import Connection, func, insert, select, update

from leadkeeper import clock
from leadkeeper.crashpoints import point
from leadkeeper.errors import Invalid
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.jobs import Job, Lane
from leadkeeper.store.prepared import Prepared, Row
from leadkeeper.store.schema import schedules


@dataclass(frozen=True, slots=True)
class Schedule:
    """Work that returns. `cron` has five fields, read in the business's time zone."""

    name: str
    cron: str
    job_type: str
    data: dict[str, Any] = field(default_factory=dict)


def ensure(conn: Connection, defaults: Sequence[Schedule], zone: ZoneInfo) -> None:
    """Add schedules that are missing, and set the others' future slots anew: their zone may have changed.

    A slot that has come and was not run stays due. An operator's own `cron` and `enabled` are kept.
    Raises Invalid for a cron expression that cannot be read.
    """
    now = clock.now()
    there = {row.name: row for row in conn.execute(select(schedules))}
    for schedule in defaults:
        if schedule.name not in there:
            next_at = following(schedule.cron, now, zone)
            row = {"name": schedule.name, "cron": schedule.cron, "job_type": schedule.job_type, "data": schedule.data}
            conn.execute(insert(schedules).values(**row, next_at=next_at))
    for found in there.values():
        if found.next_at > now:
            moved = update(schedules).where(schedules.c.name == found.name, schedules.c.next_at == found.next_at)
            conn.execute(moved.values(next_at=following(found.cron, now, zone)))


def listed(conn: Connection) -> Sequence[Row]:
    """Every schedule with its last and next slot, the next one first."""
    return conn.execute(select(schedules).order_by(schedules.c.enabled.desc(), schedules.c.next_at, schedules.c.name)).fetchall()


def next_slot(conn: Connection) -> datetime | None:
    """When the next slot comes, or came; None when nothing recurs."""
    slot: datetime | None = _NEXT_SLOT.scalar(conn)
    return slot


def tick(conn: Connection, zone: ZoneInfo) -> list[int]:
    """Enqueue the job of every schedule whose slot has come; returns the jobs' ids."""
    now = clock.now()
    rows = conn.execute(select(schedules).where(schedules.c.enabled, schedules.c.next_at <= now)).all()
    return [job_id for row in rows if (job_id := _run_slot(conn, row, now, zone)) is not None]


def next_slots(cron: str, zone: ZoneInfo, count: int) -> list[datetime]:
    """The next `count` run times of a cron expression. Raises Invalid."""
    slots: list[datetime] = []
    after = clock.now()
    while len(slots) < count:
        after = following(cron, after, zone)
        slots.append(after)
    return slots


def following(cron: str, after: datetime, zone: ZoneInfo) -> datetime:
    """The first slot later than `after`, in UTC.

    Local wall time: a slot in the hour that spring skips runs right after it, one in the hour that
    autumn doubles runs once (cronsim follows Debian's cron here). Raises Invalid.
    """
    try:
        return next(CronSim(cron, after.astimezone(zone))).astimezone(UTC)
    except (CronSimError, StopIteration) as error:
        raise Invalid(f"bad cron expression {cron!r}", {"cron": "five fields: minute hour day month weekday"}) from error


def _run_slot(conn: Connection, row: Any, now: datetime, zone: ZoneInfo) -> int | None:
    """Move the slot on and enqueue its job; None when another worker did."""
    mine = update(schedules).where(schedules.c.name == row.name, schedules.c.next_at == row.next_at)
    moved = conn.execute(mine.values(next_at=following(row.cron, now, zone), last_at=now))
    if not moved.rowcount:
        return None
    point("timers.moved")
    job = Job(row.job_type, row.data, priority=Lane.HOUSEKEEPING, dedupe=f"schedule:{row.name}")
    return enqueue(conn, job)


_NEXT_SLOT = Prepared(select(func.min(schedules.c.next_at)).where(schedules.c.enabled))
