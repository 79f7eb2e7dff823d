"""bench soak: millions of jobs through one worker, told tenth by tenth: nothing may grow but what was done.

Finished jobs stay for two seconds only, so that the table comes to a steady size within the first tenth. Jobs
are enqueued beside the worker, at most `BACKLOG` ahead of it: what is measured is both.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, select, text

from leadkeeper import clock
from leadkeeper.cli.measure.figure import Figure, percentile
from leadkeeper.cli.measure.ground import Ground
from leadkeeper.cli.measure.plain_worker import NO_OP, plain_worker
from leadkeeper.errors import Unavailable
from leadkeeper.queue import minutes
from leadkeeper.queue.enqueue import enqueue_all
from leadkeeper.queue.jobs import Job
from leadkeeper.queue.prune import Kept
from leadkeeper.store.database import Database
from leadkeeper.store.schema import jobs
from leadkeeper.store.types import EPOCH

JOBS = 5_000_000
KEPT = Kept(done=timedelta(seconds=2), look=timedelta(milliseconds=100), rest=0)
BACKLOG = 10_000
SLICE = 1_000
SAMPLE = 20
"""Of the newest finished jobs so many, at every look, stand for all."""
LOOK_SECONDS = 0.05
PATIENCE_SECONDS = 60.0
MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Tenth:
    """`seconds` it took, milliseconds from enqueueing to finish of its jobs, and bytes at its end."""

    count: int
    seconds: float
    p50: float
    p99: float
    memory: int
    stored: int

    @property
    def rate(self) -> float:
        """Jobs a second."""
        return self.count / self.seconds

    def __str__(self) -> str:
        sizes = f"memory {self.memory / MB:.1f} MB, stored {self.stored / MB:.1f} MB"
        return f"{self.rate:,.0f} jobs/s, from enqueueing to finish p50 {self.p50:.0f} ms, p99 {self.p99:.0f} ms, {sizes}"


def measure(ground: Ground, scale: float) -> Sequence[Figure]:
    """One round; each tenth is told on standard error as it ends."""
    count = max(1_000, int(JOBS * scale))
    with at_work(ground) as db:
        tenths = list(told(worked(db, count // 10)))
    first, last = tenths[0], tenths[-1]
    return [
        Figure("soak", "rate", "jobs/s", [sum(each.count for each in tenths) / sum(each.seconds for each in tenths)]),
        Figure("soak", "rate_ratio", "ratio", [last.rate / first.rate]),
        Figure("soak", "latency_ratio", "ratio", [last.p50 / first.p50]),
        Figure("soak", "memory_growth", "ratio", [last.memory / first.memory]),
        Figure("soak", "size_growth", "ratio", [last.stored / first.stored]),
    ]


@contextmanager
def at_work(ground: Ground) -> Iterator[Database]:
    """A fresh database with a worker that has arrived. Raises Unavailable when it does not."""
    with ground.opened() as (folder, db), plain_worker(db, folder, KEPT, noted=False) as (worker, _):
        worker.start()
        if not worker.wait_until_arrived(30):
            raise Unavailable("the worker did not arrive within 30 s")
        yield db


def told(tenths: Iterator[Tenth]) -> Iterator[Tenth]:
    """The same, each printed as it ends."""
    from typer import echo

    for number, tenth in enumerate(tenths, 1):
        echo(f"{number:2}/10  {tenth}", err=True)
        yield tenth


def worked(db: Database, size: int) -> Iterator[Tenth]:
    """Ten times `size` jobs, enqueued and done."""
    enqueued, done = 0, 0
    for number in range(1, 11):
        latencies: list[float] = []
        moved = began = clock.monotonic()
        while done < number * size:
            enqueued += _enqueue(db, min(10 * size, done + BACKLOG) - enqueued)
            before, done = done, db.read_now(_done)
            moved = clock.monotonic() if done > before else moved
            if clock.monotonic() - moved > PATIENCE_SECONDS:
                raise Unavailable(f"{done} of {10 * size} jobs were done, and no other in {PATIENCE_SECONDS:g} s")
            latencies += db.read_now(_latencies)
            clock.sleep_until_tick(LOOK_SECONDS)
        seconds = clock.monotonic() - began
        p50, p99 = (percentile(latencies, share) for share in (0.5, 0.99))
        yield Tenth(size, seconds, p50, p99, _memory(), db.read_now(_stored))


def _enqueue(db: Database, room: int) -> int:
    """Fill the room, a slice in each transaction; how many jobs that were."""
    for start in range(0, room, SLICE):
        db.write_now(enqueue_all, [Job(NO_OP, {})] * min(SLICE, room - start))
    return max(0, room)


def _done(conn: Connection) -> int:
    """How many jobs were ever completed: the rows of most are gone."""
    return sum(int(row.completed) for row in minutes.since(conn, EPOCH))


def _latencies(conn: Connection) -> list[float]:
    """Milliseconds from enqueueing to finish of the newest finished jobs."""
    newest = select(jobs.c.created_at, jobs.c.completed_at).where(jobs.c.completed_at.is_not(None))
    rows = conn.execute(newest.order_by(jobs.c.completed_at.desc()).limit(SAMPLE))
    return [(row.completed_at - row.created_at) / timedelta(milliseconds=1) for row in rows]


def _memory(status: Path = Path("/proc/self/status")) -> int:
    """Bytes of memory this process holds: worker, enqueueing and, on SQLite, the database."""
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def _stored(conn: Connection) -> int:
    """Bytes on the disk: SQLite's file and its log; PostgreSQL's table of jobs and its indexes."""
    if conn.dialect.name == "postgresql":
        return int(conn.execute(text("select pg_total_relation_size('automation_jobs')")).scalar_one())
    file = Path(str(conn.engine.url.database))
    return sum(each.stat().st_size for each in (file, file.with_name(f"{file.name}-wal")))
