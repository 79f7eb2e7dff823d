"""poison: jobs that raise, hang, or hold up the worker's own thread. The others go on, and webhooks are answered as ever.

First the cost for the others, against the same number of jobs without poison; then a job in the embedded
worker that sleeps without letting go of its event loop, as a handler that calls a blocking library would.
"""

import asyncio
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median

from sqlalchemy import Connection, func, select

from leadkeeper import clock
from leadkeeper.cli.faults import verdict
from leadkeeper.cli.faults.business import Business
from leadkeeper.cli.faults.crowd import Crowd
from leadkeeper.cli.faults.journal import Journal
from leadkeeper.cli.faults.trial import Trial
from leadkeeper.cli.measure.figure import percentile
from leadkeeper.cli.measure.ground import Ground
from leadkeeper.cli.measure.plain_worker import NO_OP, plain_worker
from leadkeeper.errors import Unavailable
from leadkeeper.queue.enqueue import enqueue, enqueue_all
from leadkeeper.queue.handlers import job, job_types
from leadkeeper.queue.jobs import Job
from leadkeeper.queue.outcomes import Done, Outcome
from leadkeeper.store.database import Database
from leadkeeper.store.schema import job_errors, jobs

RAISES, RAISES_IN_STEP, HANGS, BLOCKS = "faults_raises", "faults_raises_in_step", "faults_hangs", "faults_blocks"
EVERY = 20
"""One job in so many is poison."""
ROUNDS = 3
MOST_LOST = 0.05
"""Share of their throughput that the others may lose."""
BLOCKED_SECONDS = 60.0
LEASE_SECONDS = 3.0
A_SECOND = 20.0
SLOWEST_ACK_MS = 100.0
"""99 of 100 webhooks are answered within this, whatever the worker does."""
SETTLE_SECONDS = 120.0
SLICE = 5_000
LOOK_SECONDS = 0.05
HANG = timedelta(seconds=1)
"""The deadline of jobs that hang."""


class Boom(Exception):
    """What a poisoned handler raises."""


def throughput(trial: Trial, ground: Ground, count: int, rounds: int = ROUNDS) -> dict[str, float]:
    """Shares of throughput the others lose, by the kind of poison; every poisoned job must be told as what it is.

    Measured in processor time: that is what throughput ends at, and it is the same on a busy machine.
    """
    _register()
    kinds = (NO_OP, RAISES, RAISES_IN_STEP, HANGS)
    costs: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(rounds):
        for kind in kinds:
            costs[kind].append(_cost_of_others(trial, ground, count, kind))
    clean = median(costs[NO_OP])
    trial.counts["microsecondsPerJob"] = round(clean * 1e6, 1)
    return {kind: round(1 - clean / median(costs[kind]), 3) for kind in kinds[1:]}


def block(trial: Trial, ground: Ground, seconds: float) -> float:
    """Hold up the embedded worker for so long; milliseconds within which 99 of 100 webhooks were answered meanwhile."""
    _register()
    with ground.scratch() as (folder, url):
        return asyncio.run(_block(trial, folder, url, seconds))


def run(trial: Trial, ground: Ground, seconds: float = BLOCKED_SECONDS) -> None:
    """Both, with `trial.wanted` jobs; what exceeds its bound is a finding."""
    lost = throughput(trial, ground, trial.wanted)
    for kind, share in lost.items():
        if share > MOST_LOST:
            trial.find(f"{kind} costs the others {share:.1%} of their throughput")
    slowest = block(trial, ground, seconds)
    if slowest > SLOWEST_ACK_MS:
        trial.find(f"one webhook in a hundred waited {slowest:.0f} ms while the worker was blocked")
    trial.step(trial.wanted)
    trial.counts |= {f"lostBy_{kind.removeprefix('faults_')}": share for kind, share in lost.items()}


def _cost_of_others(trial: Trial, ground: Ground, count: int, kind: str) -> float:
    """Seconds of processor time for each job that is no poison, where one in `EVERY` is of `kind`."""
    with ground.opened() as (folder, db), plain_worker(db, folder) as (worker, _):
        wanted = [Job(NO_OP if number % EVERY else kind, {}) for number in range(count)]
        for start in range(0, count, SLICE):
            db.write_now(enqueue_all, wanted[start : start + SLICE])
        others = count - (-(-count // EVERY) if kind != NO_OP else 0)
        began, used = clock.monotonic(), _processor_seconds()
        worker.start()
        while db.read_now(_completed) < others:
            if clock.monotonic() - began > SETTLE_SECONDS:
                raise Unavailable(f"beside {kind} the others are not done in {SETTLE_SECONDS:g} s")
            clock.sleep_until_tick(LOOK_SECONDS)
        used = _processor_seconds() - used
        if kind != NO_OP:
            for finding in _unseen(db, kind, count - others):
                trial.find(finding)
        return used / others


def _processor_seconds() -> float:
    used = os.times()
    return used.user + used.system


def _unseen(db: Database, kind: str, expected: int) -> Iterator[str]:
    """Poisoned jobs of which no row tells why their first try failed."""
    until = clock.monotonic() + SETTLE_SECONDS
    while (told := db.read_now(_told, kind)) < expected:
        if clock.monotonic() > until:
            yield f"of {expected} jobs {kind} only {told} have an error beside them"
            return
        clock.sleep_until_tick(LOOK_SECONDS)


async def _block(trial: Trial, folder: Path, url: str, seconds: float) -> float:
    business = Business(folder, url, Journal(folder / "journal"), lease_seconds=LEASE_SECONDS)
    business.db.write_now(business.found)
    business.begin()
    await business.idle()
    crowd = Crowd(business)
    try:
        await crowd.ask(5, A_SECOND)  # what is loaded late is not the worker's fault
        await business.idle()
        crowd.seconds.clear()
        blocker = await business.db.write(enqueue, Job(BLOCKS, {"seconds": seconds}))
        await crowd.ask(int(seconds * A_SECOND), A_SECOND)
        slowest = percentile(crowd.seconds, 0.99) * 1000
        since = clock.monotonic()
        await business.idle(SETTLE_SECONDS)
        drained = clock.monotonic() - since
        claims = await business.db.read(_claims, blocker)
        if claims != ("completed", 1):
            trial.find(f"the blocking job is {claims[0]} and was claimed {claims[1]} times")
        for finding in [*business.db.read_now(verdict.wrong, business.journal), *crowd.odd_answers]:
            trial.find(finding)
        trial.counts |= {"ackP99Ms": round(slowest, 1), "acknowledged": len(crowd.seconds), "secondsToDrain": round(drained, 1)}
        return slowest
    finally:
        await business.end()


def _completed(conn: Connection) -> int:
    done = select(func.count()).where(jobs.c.status == "completed", jobs.c.type == NO_OP)
    return int(conn.execute(done).scalar_one())


def _told(conn: Connection, kind: str) -> int:
    query = select(func.count(func.distinct(job_errors.c.job_id))).join(jobs, jobs.c.id == job_errors.c.job_id)
    return int(conn.execute(query.where(jobs.c.type == kind)).scalar_one())


def _claims(conn: Connection, job_id: int) -> tuple[str, int]:
    row = conn.execute(select(jobs.c.status, jobs.c.claim).where(jobs.c.id == job_id)).one()
    return str(row.status), int(row.claim)


def _register() -> None:
    if job_types.peek(RAISES) is None:
        job(RAISES)(_raises)
        job(RAISES_IN_STEP)(_raises_in_step)
        job(HANGS, deadline=HANG)(_hangs)
        job(BLOCKS)(_blocks)


async def _raises(ctx: object) -> Outcome:
    raise Boom("poison")


def _raises_in_step(conn: Connection, ctx: object) -> Outcome:
    raise Boom("poison")


async def _hangs(ctx: object) -> Outcome:
    await asyncio.Event().wait()
    return Done()


async def _blocks(ctx: object, seconds: float) -> Outcome:
    """Holds the event loop: no other job of this worker gets a turn."""
    clock.sleep_until_tick(seconds)
    return Done()
