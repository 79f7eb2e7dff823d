"""bench pickup: from enqueueing to the start of the handler, worker and web in one process, nothing else to do."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from leadkeeper import clock
from leadkeeper.cli.measure.figure import Figure, percentile
from leadkeeper.cli.measure.ground import Ground
from leadkeeper.cli.measure.plain_worker import NO_OP, Plain, plain_worker
from leadkeeper.errors import Unavailable
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.jobs import Job
from leadkeeper.store.database import Database

JOBS = 60
LATER = timedelta(days=1)
GAP_SECONDS = 0.03
"""Between two jobs: the step that finished the last one has ended by then."""


def measure(ground: Ground, scale: float) -> Sequence[Figure]:
    """One round. `p50` includes the commit of the enqueueing; `after_commit` is what the queue adds to it.

    The commit is that of an enqueueing without a worker: with one, a claim may be part of it (docs/decisions/0027).
    `told` is when the caller goes on: both run at once, so it may be after the handler was entered.
    """
    with ground.opened() as (folder, db):
        commits, tolds, starts = asyncio.run(_picked_up(db, folder, max(5, int(JOBS * scale))))
    commit, start = percentile(commits, 0.5), percentile(starts, 0.5)
    return [
        Figure("pickup", "p50", "ms", [start]),
        Figure("pickup", "p95", "ms", [percentile(starts, 0.95)]),
        Figure("pickup", "commit_p50", "ms", [commit]),
        Figure("pickup", "told_p50", "ms", [percentile(tolds, 0.5)]),
        Figure("pickup", "after_commit_p50", "ms", [max(0.0, start - commit)]),
    ]


async def _picked_up(db: Database, folder: Path, count: int) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds of each enqueueing: to a commit without a worker; then to the caller's going on, and to the handler."""
    commits, tolds, starts = [], [], []
    with plain_worker(db, folder) as (worker, plain):
        for number in range(count + 1):
            began = clock.monotonic()
            await db.write(enqueue, Job(NO_OP, {}, run_at=clock.now() + LATER))
            if number:  # the first one pays for what is loaded late
                commits.append((clock.monotonic() - began) * 1000)
            await asyncio.sleep(GAP_SECONDS)
        worker.start()
        if not worker.wait_until_arrived(30):
            raise Unavailable("the worker did not arrive within 30 s")
        for number in range(count + 1):
            began = clock.monotonic()
            await db.write(enqueue, Job(NO_OP, {}))
            told = clock.monotonic()
            started = await _started(plain, number)
            if number:
                tolds.append((told - began) * 1000)
                starts.append((started - began) * 1000)
            await asyncio.sleep(GAP_SECONDS)
    return commits, tolds, starts


async def _started(plain: Plain, number: int) -> float:
    async with asyncio.timeout(30):
        while len(plain.started) <= number:  # noqa: ASYNC110 - handlers note, nobody tells
            await asyncio.sleep(0.002)
    return plain.started[number]
