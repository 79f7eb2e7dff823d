"""The queue in numbers, all from rows. `counts` is one read: every figure is of the same moment."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, literal, select, union_all

from leadkeeper import clock
from leadkeeper.queue import minutes
from leadkeeper.queue.rows import follows, pending, processing, ready
from leadkeeper.store.schema import jobs

RECENT = 1_000
"""Finished jobs that wait and run times are taken from."""


@dataclass(frozen=True, slots=True)
class Stats:
    """`scheduled`: pending with a future run time. `oldest_pending_seconds`: of due rows only, from
    when they became due; None when nothing waits. Waits and runs of the most recent finished jobs, in ms."""

    pending: int
    processing: int
    completed: int
    failed: int
    cancelled: int
    scheduled: int
    oldest_pending_seconds: float | None
    wait_p50_ms: float | None
    wait_p95_ms: float | None
    run_p50_ms: float | None
    run_p95_ms: float | None

    def as_json(self) -> dict[str, Any]:
        """The shape of GET /api/admin/automation/worker."""
        return {
            "pending": self.pending,
            "processing": self.processing,
            "completed": self.completed,
            "failed": self.failed,
            "cancelled": self.cancelled,
            "scheduled": self.scheduled,
            "oldestPendingSeconds": self.oldest_pending_seconds,
            "wait": {"p50": self.wait_p50_ms, "p95": self.wait_p95_ms},
            "run": {"p50": self.run_p50_ms, "p95": self.run_p95_ms},
        }


@dataclass(frozen=True, slots=True)
class Minute:
    """What ended within one minute."""

    start: datetime
    completed: int
    failed: int


def counts(conn: Connection) -> Stats:
    """The statistics now."""
    now = clock.now()
    statuses = by_status(conn)
    scheduled = conn.execute(select(func.count()).where(pending(), jobs.c.run_at > now)).scalar_one()
    waits, runs = _recent(conn)
    return Stats(
        pending=statuses.get("pending", 0),
        processing=statuses.get("processing", 0),
        completed=statuses.get("completed", 0),
        failed=statuses.get("failed", 0),
        cancelled=statuses.get("cancelled", 0),
        scheduled=scheduled,
        oldest_pending_seconds=_oldest_seconds(conn, now),
        wait_p50_ms=_quantile(waits, 0.50),
        wait_p95_ms=_quantile(waits, 0.95),
        run_p50_ms=_quantile(runs, 0.50),
        run_p95_ms=_quantile(runs, 0.95),
    )


def throughput(conn: Connection, last: int = 60) -> list[Minute]:
    """How many jobs ended in each of the `last` minutes, oldest first, empty minutes included."""
    first = minutes.minute_of(clock.now()) - timedelta(minutes=last - 1)
    found = {row.minute: Minute(*row) for row in minutes.since(conn, first)}
    starts = [first + timedelta(minutes=n) for n in range(last)]
    return [found.get(start, Minute(start, 0, 0)) for start in starts]


def last_ended(conn: Connection) -> datetime | None:
    """When the latest job ended, well or not; None while none has."""
    return conn.execute(select(func.max(jobs.c.completed_at)).where(jobs.c.completed_at.is_not(None))).scalar()


def by_status(conn: Connection) -> dict[str, int]:
    """Jobs of each status, in one statement; each part walks a partial index that holds no more than it counts."""
    n = func.count().label("n")
    ended = select(jobs.c.status.label("status"), n).where(jobs.c.completed_at.is_not(None)).group_by(jobs.c.status)
    parts = [(ready(), "pending"), (follows(), "pending"), (processing(), "processing")]
    unfinished = [select(literal(status).label("status"), n).where(which) for which, status in parts]
    found: dict[str, int] = {}
    for row in conn.execute(union_all(ended, *unfinished)):
        found[row.status] = found.get(row.status, 0) + row.n
    return found


def _oldest_seconds(conn: Connection, now: datetime) -> float | None:
    """Seconds since the longest waiting due job became due. Parked jobs are never due."""
    oldest = [
        conn.execute(select(jobs.c.run_at).where(which, jobs.c.run_at <= now).order_by(jobs.c.run_at).limit(1)).scalar()
        for which in (ready(), follows())
    ]
    due = [run_at for run_at in oldest if run_at is not None]
    return (now - min(due)).total_seconds() if due else None


def _recent(conn: Connection) -> tuple[list[float], list[float]]:
    """Milliseconds from due to started, and from started to finished, of the most recent jobs."""
    ended = select(jobs.c.run_at, jobs.c.created_at, jobs.c.started_at, jobs.c.completed_at).where(
        jobs.c.completed_at.is_not(None), jobs.c.status != "cancelled"
    )  # not "in": SQLite would take it for the better condition, and sort all that ever ended
    rows = conn.execute(ended.order_by(jobs.c.completed_at.desc()).limit(RECENT)).all()
    started = [row for row in rows if row.started_at is not None]
    waits = [_ms(row.started_at - max(row.run_at, row.created_at)) for row in started]
    return sorted(waits), sorted(_ms(row.completed_at - row.started_at) for row in started)


def _ms(span: timedelta) -> float:
    return max(0.0, span.total_seconds() * 1000)


def _quantile(ordered: list[float], share: float) -> float | None:
    """The smallest value that at least `share` of the values do not exceed."""
    if not ordered:
        return None
    return round(ordered[max(0, -(-len(ordered) * round(share * 100) // 100) - 1)], 3)
