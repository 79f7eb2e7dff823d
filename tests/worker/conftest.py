"""A bench for workers: job types that record what ran, real workers on the real database."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from leadkeeper.config import Settings
from leadkeeper.queue.enqueue import enqueue_all
from leadkeeper.queue.handlers import job, job_types
from leadkeeper.queue.jobs import Claimed, Job
from leadkeeper.store.database import Database
from leadkeeper.store.schema import jobs
from leadkeeper.worker.worker import Worker
from tests.patience import PATIENCE_SECONDS, until


@dataclass(frozen=True)
class Context:
    """What test handlers get."""

    db: Database
    job: Claimed
    still_ours: Callable[[float], bool]


@dataclass
class Bench:
    """One database with workers on it. `ran` holds what handlers noted, in order."""

    db: Database
    data_dir: Path
    ran: list[Any] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)

    def context(self, job: Claimed, still_ours: Callable[[float], bool]) -> Context:
        return Context(self.db, job, still_ours)

    async def close(self) -> None:
        """Nothing is shared here."""

    def settings(self, **changes: Any) -> Settings:
        base: dict[str, Any] = {"data_dir": self.data_dir, "lease_seconds": 3, "backoff_seconds": 0.05, "poll_seconds": 1}
        return Settings(**(base | changes))

    def worker(self, *, db: Database | None = None, grace: float = 5.0, **changes: Any) -> Worker:
        worker = Worker(db or self.db, self.settings(**changes), self, grace=grace)
        self.workers.append(worker)
        worker.start()
        assert worker.wait_until_arrived(PATIENCE_SECONDS)
        return worker

    def enqueue(self, *wanted: Job) -> list[int]:
        return self.db.write_now(enqueue_all, wanted)

    def row(self, job_id: int) -> Any:
        return self.db.read_now(lambda conn: conn.execute(select(jobs).where(jobs.c.id == job_id)).one())

    def rows(self) -> list[Any]:
        return self.db.read_now(lambda conn: list(conn.execute(select(jobs).order_by(jobs.c.id))))

    async def until(self, true: Callable[[], bool]) -> None:
        await until(true)

    async def until_status(self, status: str, *ids: int) -> None:
        await self.until(lambda: all(self.row(job_id).status == status for job_id in ids))


@pytest.fixture
def types() -> Iterator[Callable[..., Any]]:
    """`types(name, **options)` registers a handler for this test only."""
    before, loaded = dict(job_types._items), job_types._loaded
    job_types._loaded = True
    yield job
    job_types._items.clear()
    job_types._items.update(before)
    job_types._loaded = loaded


@pytest.fixture
async def bench(db: Database, tmp_path: Path, types: Callable[..., Any]) -> AsyncIterator[Bench]:
    bench = Bench(db, tmp_path / "data")
    yield bench
    for worker in bench.workers:
        if worker.is_alive():
            await asyncio.to_thread(worker.stop)


def note(conn: Connection, text: str) -> str:
    """Some effect in the database: a setting of that name."""
    from leadkeeper.store import settings_rows

    settings_rows.save(conn, text, True)
    return text
