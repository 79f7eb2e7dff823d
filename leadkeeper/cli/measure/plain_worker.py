"""A worker that runs no-op jobs: what the queue itself costs, with order, fences, leases and rows kept."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.config import Settings
from leadkeeper.queue.handlers import job, job_types
from leadkeeper.queue.jobs import Claimed
from leadkeeper.queue.outcomes import Done, Outcome
from leadkeeper.queue.prune import KEPT, Kept
from leadkeeper.store.database import Database
from leadkeeper.worker.worker import Worker

NO_OP = "bench_no_op"


@dataclass(slots=True)
class Plain:
    """The jobs' context. `started` holds when each handler was entered, in monotonic seconds, where that is `noted`."""

    noted: bool = True
    started: list[float] = field(default_factory=list)

    def context(self, job: Claimed, still_ours: Callable[[float], bool]) -> "Plain":
        """The same for every job."""
        return self

    async def close(self) -> None:
        """Nothing is shared."""


@contextmanager
def plain_worker(db: Database, folder: Path, kept: Kept = KEPT, *, noted: bool = True) -> Iterator[tuple[Worker, Plain]]:
    """A worker that has not been started, and what its handlers note; it is stopped at the end."""
    if job_types.peek(NO_OP) is None:
        job(NO_OP)(_no_op)
    plain = Plain(noted)
    worker = Worker(db, Settings(data_dir=folder / "worker"), plain, kept=kept)
    try:
        yield worker, plain
    finally:
        if worker.is_alive():
            worker.stop()


def _no_op(conn: Connection, ctx: Plain) -> Outcome:
    if ctx.noted:
        ctx.started.append(clock.monotonic())
    return Done()
