"""Failed jobs by what went wrong: errors that differ only in a number of ours or the provider's trace stand together."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select

from leadkeeper.store.prepared import Row
from leadkeeper.store.schema import jobs

GROUP_IDS = 500
"""Jobs a group holds by id, the newest."""
ERRORS_READ = 10_000
"""Different errors that are looked at, the latest: constant work in the worst week."""
ANYTHING = "…"
"""What stands in a likeness for the part that differs."""
_OURS = re.compile(
    r"\b(account|contact|conversation|delivery|document|event|expiry|job|lead|media|message|rule|run|task|user) \d+\b"
)
_TRACE = re.compile(r"\(trace [^()]*\)")


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Failed jobs of one type with one error. `error` is a likeness when their texts differ."""

    type: str
    error: str
    count: int
    last_at: datetime
    ids: Sequence[int]


@dataclass(slots=True)
class _Alike:
    last_at: datetime
    count: int = 0
    errors: list[str] = field(default_factory=list)


def likeness(error: str) -> str:
    """The error without what differs from one failure to the next: "there is no lead 5" is "there is no lead …"."""
    return _TRACE.sub(f"(trace {ANYTHING})", _OURS.sub(rf"\1 {ANYTHING}", error))


def alike(error: str) -> ColumnElement[bool]:
    """Jobs with this error; in a likeness its ellipsis is any text."""
    if ANYTHING not in error:
        return jobs.c.error == error
    literal = re.sub(r"([\\%_])", r"\\\1", error)
    return jobs.c.error.like(literal.replace(ANYTHING, "%"), escape="\\")


def failures(conn: Connection, since: datetime, limit: int = 20) -> list[FailureGroup]:
    """Failed jobs since a moment, grouped by type and likeness of the error, the latest group first."""
    failed = (jobs.c.status == "failed", jobs.c.completed_at >= since)
    last = func.max(jobs.c.completed_at, type_=jobs.c.completed_at.type).label("last_at")
    by_text = select(jobs.c.type, jobs.c.error, func.count().label("n"), last).where(*failed)
    rows = conn.execute(by_text.group_by(jobs.c.type, jobs.c.error).order_by(last.desc()).limit(ERRORS_READ)).all()
    groups: list[FailureGroup] = []
    for (type_, like), group in list(_gathered(rows).items())[:limit]:
        error = like if len(group.errors) > 1 else group.errors[0]
        same = (jobs.c.type == type_, alike(error) if error else jobs.c.error.is_(None))
        newest = conn.execute(
            select(jobs.c.id, jobs.c.error).where(*failed, *same).order_by(jobs.c.id.desc()).limit(GROUP_IDS)
        ).all()
        ids = [row.id for row in newest if likeness(row.error or "") == like]
        groups.append(FailureGroup(type_, error, group.count, group.last_at, ids))
    return groups


def _gathered(rows: Sequence[Row]) -> dict[tuple[str, str], _Alike]:
    """Counts of each type and likeness, in the order of the rows: the latest first."""
    found: dict[tuple[str, str], _Alike] = {}
    for row in rows:
        group = found.setdefault((row.type, likeness(row.error or "")), _Alike(row.last_at))
        group.count += row.n
        group.errors.append(row.error or "")
    return found
