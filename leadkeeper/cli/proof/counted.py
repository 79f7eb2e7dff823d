"""The queue's statistics counted anew from the rows, by other means than the product's own."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import Connection, select

from leadkeeper import clock
from leadkeeper.store.prepared import Row
from leadkeeper.store.schema import jobs

NEWEST = 1_000
"""Waits and runs are those of so many jobs, the last to end."""


@dataclass(frozen=True, slots=True)
class Spans:
    """Milliseconds of the newest ended jobs. Jobs of one commit ended at one moment: which of those at the
    edge are among the newest is open, `room` says how many."""

    surely: Sequence[float]
    edge: Sequence[float]
    room: int

    def bounds(self, share: float) -> list[float]:
        """The least and the most that the quantile may be; empty when nothing has ended."""
        edge = sorted(self.edge)
        choices = (edge[: self.room], edge[len(edge) - self.room :])
        return [_quantile(sorted([*self.surely, *chosen]), share) for chosen in choices] if self.surely or self.room else []


@dataclass(frozen=True, slots=True)
class Counted:
    """Every statistic, from one reading of all rows."""

    by_status: Mapping[str, int]
    scheduled: int
    oldest_due: datetime | None
    waits: Spans
    runs: Spans


def of_jobs(conn: Connection) -> Counted:
    """Count."""
    rows = conn.execute(select(jobs)).fetchall()
    now = clock.now()
    due = [row.run_at for row in rows if row.status == "pending" and row.run_at <= now]
    ended = sorted((row for row in rows if row.status in ("completed", "failed")), key=lambda row: row.completed_at, reverse=True)
    last = ended[:NEWEST][-1].completed_at if ended else now
    surely = [row for row in ended[:NEWEST] if row.completed_at > last]
    edge = [row for row in ended if row.completed_at == last]
    room = min(len(ended), NEWEST) - len(surely)
    return Counted(
        by_status=Counter(row.status for row in rows),
        scheduled=sum(row.status == "pending" and row.run_at > now for row in rows),
        oldest_due=min(due, default=None),
        waits=Spans([_waited(row) for row in surely], [_waited(row) for row in edge], room),
        runs=Spans([_ran(row) for row in surely], [_ran(row) for row in edge], room),
    )


def _waited(row: Row) -> float:
    return max(0.0, _ms(row.started_at - max(row.run_at, row.created_at)))


def _ran(row: Row) -> float:
    return _ms(row.completed_at - row.started_at)


def _ms(span: timedelta) -> float:
    return span / timedelta(milliseconds=1)


def _quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed, to a thousandth."""
    return round(ordered[max(0, ceil(len(ordered) * share) - 1)], 3)
