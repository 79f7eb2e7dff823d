"""bench queue: how many no-op jobs one worker takes, runs and finishes in a second, and two beside each other."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, func, select

from leadkeeper import clock
from leadkeeper.cli.measure.figure import Figure
from leadkeeper.cli.measure.ground import Ground
from leadkeeper.cli.measure.plain_worker import NO_OP, plain_worker
from leadkeeper.errors import Unavailable
from leadkeeper.queue import control
from leadkeeper.queue.enqueue import enqueue_all
from leadkeeper.queue.handlers import job_types
from leadkeeper.queue.jobs import Job
from leadkeeper.store.database import Database
from leadkeeper.store.schema import jobs

JOBS = 20_000
KEYS = 1_000
"""Order keys of the second figure: jobs of one key run one after the other."""
SLICE = 5_000
PATIENCE_SECONDS = 90.0


def measure(ground: Ground, scale: float) -> Sequence[Figure]:
    """One round: jobs without order keys, then with."""
    count = max(50, int(JOBS * scale))
    free = [Job(NO_OP, {}) for _ in range(count)]
    keyed = [Job(NO_OP, {}, key=f"bench:{number % KEYS}") for number in range(count // 2)]
    rate, cpu = _drained(ground, free)
    one, two = _drained_by(ground, free, 1), _drained_by(ground, free, 2)
    return [
        Figure("queue", "drain", "jobs/s", [rate]),
        Figure("queue", "cpu_per_job", "us", [cpu]),
        Figure("queue", "drain_in_order", "jobs/s", [_drained(ground, keyed)[0]]),
        Figure("queue", "drain_by_two", "jobs/s", [two]),
        Figure("queue", "two_to_one", "ratio", [two / one]),
    ]


def _drained(ground: Ground, wanted: Sequence[Job]) -> tuple[float, float]:
    """(jobs a second from the start of the worker, its arrival included, to the last completion, by the rows;
    microseconds of processor time of this process for each)."""
    with ground.opened() as (folder, db), plain_worker(db, folder) as (worker, _):
        _enqueue(db, wanted)
        job_types.load()
        began, used = clock.now(), _used()
        worker.start()
        ended = _ended(db, len(wanted))
        return len(wanted) / (ended - began).total_seconds(), (_used() - used) / len(wanted) * 1e6


def _drained_by(ground: Ground, wanted: Sequence[Job], workers: int) -> float:
    """Jobs a second of so many worker processes, from Start, when all of them are there, to the last completion."""
    with ground.scratch() as (folder, url):
        db = Database(url)
        try:
            db.write_now(control.choose, "stopped", None)
            _enqueue(db, wanted)
            with _working(url, folder, workers):
                began = clock.now()
                db.write_now(control.choose, "running", None)
                return len(wanted) / (_ended(db, len(wanted)) - began).total_seconds()
        finally:
            db.close()


@contextmanager
def _working(url: str, folder: Path, count: int) -> Iterator[None]:
    """So many processes, each a worker that has arrived."""
    command = [sys.executable, "-m", "leadkeeper.cli.measure.working", url]
    started = [
        subprocess.Popen([*command, str(folder / f"worker-{number}")], stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
        for number in range(count)
    ]
    try:
        if any(not process.stdout or not process.stdout.readline() for process in started):
            raise Unavailable("a worker did not arrive within 60 s")
        yield
    finally:
        for process in started:
            process.communicate()


def _enqueue(db: Database, wanted: Sequence[Job]) -> None:
    for start in range(0, len(wanted), SLICE):
        db.write_now(enqueue_all, wanted[start : start + SLICE])


def _used() -> float:
    """Seconds of processor time this process has used."""
    times = os.times()
    return times.user + times.system


def _ended(db: Database, count: int) -> datetime:
    """When the last of `count` jobs was completed. Raises Unavailable after `PATIENCE_SECONDS`."""
    began = clock.monotonic()
    while clock.monotonic() - began < PATIENCE_SECONDS:
        done, last = db.read_now(_completed)
        if done >= count and last is not None:
            return last
        clock.sleep_until_tick(0.1)
    raise Unavailable(f"{done} of {count} jobs were done in {PATIENCE_SECONDS:g} s")


def _completed(conn: Connection) -> tuple[int, datetime | None]:
    query = select(func.count(), func.max(jobs.c.completed_at)).where(jobs.c.status == "completed")
    done, last = conn.execute(query).one()
    return int(done), last
