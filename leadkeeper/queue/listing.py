"""Jobs for people: pages of the list, and one job with the error of each try."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, cast, func, or_, select

from leadkeeper import clock
from leadkeeper.errors import NotFound
from leadkeeper.queue import failures
from leadkeeper.store.prepared import Row
from leadkeeper.store.schema import job_errors, jobs

STATUSES = ("pending", "processing", "completed", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class JobFilter:
    """What the list shows; None: everything. `keys` are order keys, for example those of one lead; with
    `about` also jobs whose data names that number, for example ("leadId", 5). `error` is a text or a likeness."""

    status: str | None = None
    type: str | None = None
    keys: Sequence[str] | None = None
    about: tuple[str, int] | None = None
    since: datetime | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class JobTry:
    """Why one try did not work out. `kind`: retry, fail, lost, late."""

    attempt: int
    kind: str
    error: str
    worker: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as people see it."""

    id: int
    type: str
    data: dict[str, Any]
    status: str
    priority: int
    run_at: datetime
    key: str | None
    head: bool
    dedupe: str | None
    attempts: int
    max_retries: int
    losses: int
    worker: str | None
    scope: str | None
    cancel_requested: bool
    error: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    tries: Sequence[JobTry] = ()

    @property
    def parked(self) -> bool:
        """True when it waits for its scope to be set free."""
        return self.status == "pending" and self.run_at >= clock.FAR

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """From when to when it ran; None while it has not ended."""
        return (self.started_at, self.completed_at) if self.started_at and self.completed_at else None

    @property
    def can_retry(self) -> bool:
        """True when it could be redriven as far as the queue knows."""
        return self.status == "failed"

    @property
    def can_cancel(self) -> bool:
        """True while it is unfinished and nobody has asked it to stop."""
        return self.status in ("pending", "processing") and not self.cancel_requested

    def as_json(self) -> dict[str, Any]:
        """camelCase, as the API gives it."""
        return {
            "id": self.id,
            "type": self.type,
            "data": self.data,
            "status": self.status,
            "priority": self.priority,
            "runAt": None if self.parked else clock.iso(self.run_at),
            "parked": self.parked,
            "key": self.key,
            "attempts": self.attempts,
            "maxRetries": self.max_retries,
            "losses": self.losses,
            "worker": self.worker,
            "scope": self.scope,
            "cancelRequested": self.cancel_requested,
            "error": self.error,
            "createdAt": clock.iso(self.created_at),
            "startedAt": clock.iso(self.started_at) if self.started_at else None,
            "completedAt": clock.iso(self.completed_at) if self.completed_at else None,
        }


_SHOWN = tuple(jobs.c[name] for name in JobView.__slots__ if name != "tries")
COUNTED = 10_000
"""Jobs a filtered count looks at: constant work, however large the table is."""


def list_jobs(
    conn: Connection, wanted: JobFilter, before: int | None = None, limit: int = 50
) -> tuple[list[JobView], int | None]:
    """A page, newest first, and the id to give as `before` for the next one (None: this is the last)."""
    query = select(*_SHOWN).where(*_conditions(wanted))
    if before is not None:
        query = query.where(jobs.c.id < before)
    rows = conn.execute(query.order_by(jobs.c.id.desc()).limit(limit + 1)).all()
    page = [_view(row) for row in rows[:limit]]
    return page, page[-1].id if len(rows) > limit else None


def about(conn: Connection, type: str, keys: Sequence[str], name: str, limit: int = 1000) -> dict[int, int]:
    """Of the newest jobs of a type and these order keys: the id of the last one for each number its data names so."""
    query = select(jobs.c.id, jobs.c.data).where(jobs.c.key.in_(keys), jobs.c.type == type)
    rows = conn.execute(query.order_by(jobs.c.id.desc()).limit(limit)).all()
    return {row.data[name]: int(row.id) for row in reversed(rows) if isinstance(row.data.get(name), int)}


def count_by_status(conn: Connection, wanted: JobFilter) -> dict[str, int]:
    """How many jobs of each status the filter holds, whatever status it asks for; of the newest `COUNTED` only."""
    newest = select(jobs.c.status).where(*_conditions(replace(wanted, status=None))).order_by(jobs.c.id.desc()).limit(COUNTED)
    some = newest.subquery()
    found = conn.execute(select(some.c.status, func.count()).group_by(some.c.status)).all()
    return {str(status): int(count) for status, count in found}


def job(conn: Connection, job_id: int) -> JobView:
    """One job with the error of each try, oldest first. Raises NotFound."""
    row = conn.execute(select(*_SHOWN).where(jobs.c.id == job_id)).first()
    if row is None:
        raise NotFound(f"there is no job {job_id}")
    shown = (job_errors.c.attempt, job_errors.c.kind, job_errors.c.error, job_errors.c.worker, job_errors.c.at)
    tries = conn.execute(select(*shown).where(job_errors.c.job_id == job_id).order_by(job_errors.c.id))
    return _view(row, [JobTry(*each) for each in tries])


def _conditions(wanted: JobFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.status is not None:
        found.append(jobs.c.status == wanted.status)
    if wanted.type is not None:
        found.append(jobs.c.type == wanted.type)
    if wanted.keys is not None:
        found.append(_concerns(wanted.keys, wanted.about))
    if wanted.since is not None:
        found.append(jobs.c.created_at >= wanted.since)
    if wanted.error is not None:
        found.append(failures.alike(wanted.error))
    return found


def _concerns(keys: Sequence[str], about: tuple[str, int] | None) -> ColumnElement[bool]:
    """Jobs of these keys, and those whose data holds the number under the name."""
    if about is None:
        return jobs.c.key.in_(keys)
    name, number = about
    return or_(jobs.c.key.in_(keys), cast(jobs.c.data[name].as_string(), String) == str(number))


def _view(row: Row, tries: Sequence[JobTry] = ()) -> JobView:
    return JobView(**row._mapping, tries=tries)
