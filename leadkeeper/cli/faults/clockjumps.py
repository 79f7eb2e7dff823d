"""clock: the wall clock is set an hour forward or back, again and again, under two workers at work.

No lease is stolen, no timer comes twice, too early or never. The clock is injected in `leadkeeper.clock`:
the machine's own is left alone.
"""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select, update

from leadkeeper import clock
from leadkeeper.cli.faults import verdict
from leadkeeper.cli.faults.business import Business
from leadkeeper.cli.faults.crowd import Crowd
from leadkeeper.cli.faults.journal import Journal
from leadkeeper.cli.faults.trial import Trial
from leadkeeper.cli.faults.warp import Warp, warped
from leadkeeper.cli.measure.ground import Ground
from leadkeeper.queue import timers
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.handlers import job, job_types
from leadkeeper.queue.jobs import Job
from leadkeeper.queue.outcomes import Done, Outcome
from leadkeeper.queue.rows import unfinished
from leadkeeper.store.schema import job_errors, jobs, schedules

HOUR = timedelta(hours=1)
LEASE_SECONDS = 3.0
LONG, TIMER, SLOT = "faults_long", "faults_timer", "faults_slot"
LASTS_SECONDS = 4.0
"""A long job outlasts a lease, and the jumps on both its sides."""
EACH = 4
"""Long jobs, and timers of each kind, that a round begins."""
DUE = (timedelta(minutes=30), timedelta(minutes=90))
CUSTOMERS, A_SECOND = 5, 20.0
ROUND_SECONDS = 1.0
CRON = "17 * * * *"
UTC = ZoneInfo("UTC")
SETTLE_SECONDS = 60.0


def run(trial: Trial, ground: Ground, seed: int) -> None:
    """Jump there and back, or back and there, `trial.wanted` times."""
    if job_types.peek(LONG) is None:
        job(LONG)(_long)
        job(TIMER)(_timer)
        job(SLOT)(_timer)
    with ground.scratch() as (folder, url), warped() as warp:
        asyncio.run(_run(trial, folder, url, Random(seed), warp))


async def _run(trial: Trial, folder: Path, url: str, random: Random, warp: Warp) -> None:
    business = Business(folder, url, Journal(folder / "journal"), lease_seconds=LEASE_SECONDS, poll_seconds=0.2)
    business.db.write_now(business.found)
    business.db.write_now(timers.ensure, [timers.Schedule(SLOT, CRON, SLOT)], UTC)
    slots = _Slots(business.db.write_now(_next_slot))
    second = business.hire()
    business.begin()
    second.start()
    crowd = Crowd(business)
    try:
        for _ in range(trial.wanted):
            for jump in random.choice(((HOUR, -HOUR), (-HOUR, HOUR))):
                await business.db.write(_begin)
                await crowd.ask(CUSTOMERS, A_SECOND)
                warp.jump(jump)
                slots.passed(warp.now())
                await business.until_none(_ringing, SETTLE_SECONDS)
                await asyncio.sleep(ROUND_SECONDS)
            trial.step()
        warp.jump(3 * HOUR)
        slots.passed(warp.now())
        await business.until_none(_left, SETTLE_SECONDS)
        for finding in [*business.db.read_now(_listed, slots.count), *business.db.read_now(verdict.wrong, business.journal)]:
            trial.find(finding)
        trial.counts |= {"timers": trial.done * 4 * EACH, "longJobs": trial.done * 2 * EACH, "slots": slots.count}
        trial.counts |= {"inDoubt": business.db.read_now(verdict.in_doubt)}
    finally:
        await asyncio.to_thread(second.stop)
        await business.end()


class _Slots:
    """How often a recurring job has to have run: once whenever its slot has come, however many were jumped over."""

    def __init__(self, first: datetime) -> None:
        self.count = 0
        self._next = first

    def passed(self, now: datetime) -> None:
        """The clock says `now`."""
        if now >= self._next:
            self.count += 1
            self._next = timers.following(CRON, now, UTC)


async def _long(ctx: object) -> Outcome:
    await asyncio.sleep(LASTS_SECONDS)
    return Done()


def _timer(conn: Connection, ctx: object) -> Outcome:
    return Done()


def _begin(conn: Connection) -> None:
    for _ in range(EACH):
        enqueue(conn, Job(LONG, {}))
        for wait in DUE:
            enqueue(conn, Job(TIMER, {}, run_at=clock.now() + wait))


def _next_slot(conn: Connection) -> datetime:
    """The one recurring job of the trial; the others are put off, whose work is not looked at here."""
    conn.execute(update(schedules).where(schedules.c.name != SLOT).values(enabled=False))
    found: datetime = conn.execute(select(schedules.c.next_at).where(schedules.c.name == SLOT)).scalar_one()
    return found


def _ringing(conn: Connection) -> Sequence[object]:
    return conn.execute(select(schedules.c.name).where(schedules.c.enabled, schedules.c.next_at <= clock.now())).fetchall()


def _left(conn: Connection) -> Sequence[object]:
    ours = jobs.c.type.in_((LONG, TIMER, SLOT, "inbound_message", "decide", "reply"))
    return conn.execute(select(jobs.c.id, jobs.c.type, jobs.c.status).where(ours, unfinished()).limit(5)).fetchall()


def _listed(conn: Connection, slots: int) -> list[str]:
    return list(_wrong(conn, slots))


def _wrong(conn: Connection, slots: int) -> Iterator[str]:
    query = select(jobs.c.id, jobs.c.type, jobs.c.status, jobs.c.claim, jobs.c.run_at, jobs.c.started_at)
    for row in conn.execute(query.where(jobs.c.type.in_((LONG, TIMER)))):
        if row.status != "completed" or row.claim != 1:
            yield f"job {row.id} ({row.type}) is {row.status} and was claimed {row.claim} times"
        elif row.started_at < row.run_at:
            yield f"job {row.id} ({row.type}) came at {row.started_at}, before {row.run_at}"
    lost = conn.execute(select(job_errors.c.job_id, job_errors.c.error).where(job_errors.c.kind.in_(("lost", "late"))))
    yield from (f"job {row.job_id}: {row.error}" for row in lost)
    ran = conn.execute(select(func.count()).where(jobs.c.type == SLOT)).scalar_one()
    if ran != slots:
        yield f"the recurring job ran {ran} times in {slots} slots"
