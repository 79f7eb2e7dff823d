"""A queue to talk to without a worker: every verb in a transaction of its own."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select

from leadkeeper import clock
from leadkeeper.queue.claim import Wanted, claim
from leadkeeper.queue.enqueue import enqueue_all
from leadkeeper.queue.finish import Finished, Result, finish
from leadkeeper.queue.handlers import job, job_types
from leadkeeper.queue.jobs import Claimed, Job
from leadkeeper.queue.outcomes import Done, Outcome
from leadkeeper.store.database import Database
from leadkeeper.store.schema import job_errors, jobs
from tests.statements import statements

LEASE = timedelta(seconds=15)
BASE = timedelta(seconds=15)


@dataclass
class Queue:
    """The verbs of the queue on one database."""

    db: Database

    def enqueue(self, *wanted: Job) -> list[int]:
        return self.db.write_now(enqueue_all, wanted)

    def claim(self, slots: int = 100, worker: str = "w1", before: int | None = None) -> list[Claimed]:
        return self.db.write_now(claim, Wanted(worker, slots, before, LEASE)).jobs

    def finish(self, *ends: tuple[Claimed, Outcome]) -> Finished:
        return self.db.write_now(finish, [Result(job, outcome) for job, outcome in ends], BASE)

    def done(self, *claimed: Claimed) -> Finished:
        return self.finish(*((job, Done()) for job in claimed))

    def do(self, fn: Callable[..., Any], *args: Any) -> Any:
        return self.db.write_now(fn, *args)

    def row(self, job_id: int) -> Any:
        return self.db.read_now(lambda conn: conn.execute(select(jobs).where(jobs.c.id == job_id)).one())

    def rows(self) -> Sequence[Any]:
        return self.db.read_now(lambda conn: conn.execute(select(jobs).order_by(jobs.c.id)).all())

    def statuses(self) -> list[str]:
        return [row.status for row in self.rows()]

    def errors(self, job_id: int) -> list[tuple[str, str]]:
        query = select(job_errors.c.kind, job_errors.c.error).where(job_errors.c.job_id == job_id).order_by(job_errors.c.id)
        return [tuple(row) for row in self.db.read_now(lambda conn: conn.execute(query).all())]


@pytest.fixture
def queue(db: Database) -> Queue:
    return Queue(db)


@pytest.fixture(autouse=True)
def types() -> Iterator[Callable[..., Any]]:
    """`types(name, **options)` registers a handler for this test only; the product's are not loaded."""
    before, loaded = dict(job_types._items), job_types._loaded
    job_types._items.clear()
    job_types._loaded = True
    yield job
    job_types._items.clear()
    job_types._items.update(before)
    job_types._loaded = loaded


def plain(number: int = 0, **more: Any) -> Job:
    return Job("noop", {"n": number}, **more)


def at(moment: datetime) -> AbstractContextManager[None]:
    """The clock stands at `moment`."""
    return clock.use(lambda: moment)


def hours_later(hours: float) -> AbstractContextManager[None]:
    """The clock stands so many hours from now."""
    return at(clock.now() + timedelta(hours=hours))


def plans(conn: Connection, run: Callable[[], Any]) -> str:
    """What `run` executes on `conn`, as the engine plans it: one text for all its statements."""
    with statements(conn) as seen:
        run()
    prefix = "explain query plan " if conn.dialect.name == "sqlite" else "explain "
    rows = [row for statement in seen for row in conn.exec_driver_sql((prefix + statement).replace("%", "%%"))]
    return "\n".join(str(row[-1]) for row in rows).lower()
