"""Leadkeeper's queue for a harness of job-queue peers: the product's own worker, table, order, fence, leases, rows kept.

variant: pg | sqlite. The harness finds it by `PYTHONPATH=benchmarks`; see benchmarks/README.md.
"""

import logging
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, func, select, text

from leadkeeper.config import Settings
from leadkeeper.queue.enqueue import enqueue, enqueue_all
from leadkeeper.queue.handlers import job
from leadkeeper.queue.jobs import Claimed, Job
from leadkeeper.queue.outcomes import Done, Outcome
from leadkeeper.store import hints, migrate
from leadkeeper.store.database import Database
from leadkeeper.store.schema import jobs
from leadkeeper.worker.worker import Worker

NO_OP = "bench_no_op"
SLICE = 1000


class Context:
    """What the no-op job is given: where the harness counts."""

    def __init__(self, hit: Callable[[float], None]) -> None:
        self.hit = hit

    def context(self, job: Claimed, still_ours: Callable[[float], bool]) -> "Context":
        """The same for every job."""
        return self

    async def close(self) -> None:
        """Nothing is shared."""


@job(NO_OP)
def no_op(conn: Connection, ctx: Context, t0: float) -> Outcome:
    """Count, and be done."""
    ctx.hit(t0)
    return Done()


class Peer:
    """The harness's interface; `dsn` is empty on SQLite."""

    def __init__(self, variant: str, scratch: Path) -> None:
        self.pg = (variant or "pg") == "pg"
        self.dsn = os.environ["QB_DSN"] if self.pg else ""
        self.folder = scratch / "ours"
        self.url = self.dsn or f"sqlite:///{self.folder / 'leadkeeper.db'}"
        self.db: Database | None = None

    def _open(self) -> Database:
        if self.db is None:
            self.db = Database(self.url)
        return self.db

    def reset(self) -> None:
        """An empty queue."""
        logging.disable()
        self.folder.mkdir(parents=True, exist_ok=True)
        migrate.upgrade(self._open())
        self._open().write_now(lambda conn: conn.execute(jobs.delete()))
        if self.pg:
            with self._open().engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
                conn.execute(text("vacuum full analyze automation_jobs"))

    def open(self) -> None:
        """Get ready to enqueue, and to tell workers of other processes."""
        hints.start(self._open())

    def close(self) -> None:
        """Let go."""
        if self.db is not None:
            self.db.close()

    def enqueue(self, t0: float) -> None:
        """One job, durable when this returns."""
        self._open().write_now(enqueue, Job(NO_OP, {"t0": t0}))

    def enqueue_bulk(self, n: int) -> None:
        """Many, a thousand a transaction."""
        for start in range(0, n, SLICE):
            self._open().write_now(enqueue_all, [Job(NO_OP, {"t0": 0.0})] * min(SLICE, n - start))

    def remaining(self) -> int:
        """Jobs that are not finished."""
        unfinished = select(func.count()).where(jobs.c.status.in_(("pending", "processing")))
        return int(self._open().read_now(lambda conn: conn.execute(unfinished).scalar_one()))

    def work(self, hit: Callable[[float], None]) -> None:
        """A worker, until it is told to end."""
        ended = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
        worker = Worker(self._open(), Settings(data_dir=self.folder), Context(hit))
        worker.start()
        ended.wait()
        worker.stop()
