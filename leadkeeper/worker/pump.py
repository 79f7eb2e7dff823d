"""The pump: one step after the other while there is work, asleep otherwise.

What gathers while a step commits goes into the next one; nothing waits for a timer. The pump sleeps
until it is woken, until the next job is due, or for POLL_SECONDS.
"""

import asyncio
import logging
from collections.abc import Awaitable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial

from leadkeeper import clock
from leadkeeper.config import Settings
from leadkeeper.crashpoints import point
from leadkeeper.errors import CommitUnknown, NotFound
from leadkeeper.queue.claim import OLDEST_EVERY, Taken, Wanted
from leadkeeper.queue.endings import BY_PERSON, EffectRaised
from leadkeeper.queue.finish import Finished, Result
from leadkeeper.queue.handlers import job_types
from leadkeeper.queue.jobs import Claimed
from leadkeeper.queue.lanes import Horizon
from leadkeeper.queue.outcomes import Cancel, Fail, Outcome
from leadkeeper.queue.shares import Shares
from leadkeeper.store.calls import Turn
from leadkeeper.store.database import Database
from leadkeeper.worker import step
from leadkeeper.worker.failure import is_collision, is_outage, outcome_of
from leadkeeper.worker.held import Held, Lease
from leadkeeper.worker.ready import Ready
from leadkeeper.worker.step import HandlerRaised, LostMeanwhile, Plan, Prepared, Stepped
from leadkeeper.worker.tasks import Tasks
from leadkeeper.worker.toolbox import Toolbox

log = logging.getLogger(__name__)

GUARD_SECONDS = 1.0
"""After a handler has raised, each runs under a savepoint of its own for so long: where one is poison, others are near."""
LONGEST_PAUSE = 2.0
"""Seconds between tries while the database is away."""


class Pump:
    """Moves jobs through one worker. All of it runs in the worker's loop, except the steps."""

    def __init__(self, db: Database, settings: Settings, toolbox: Toolbox, me: str) -> None:
        self.db = db
        self.settings = settings
        self.me = me
        self.held = Held()
        self.ready = Ready()
        self.tasks = Tasks(self._task_ended)
        self.claiming = False
        self.lonely = False
        self.late = 0
        self.finished = 0
        self._toolbox = toolbox
        self._lease = timedelta(seconds=settings.lease_seconds)
        self._base = timedelta(seconds=settings.backoff_seconds)
        self._results: list[Result] = []
        self._prepared: dict[int, Prepared] = {}
        self._wake = asyncio.Event()
        self._look = True
        self._next_at: datetime | None = None
        self._horizon: Horizon | None = None
        self._claimed = 0
        self._alone: int | None = None
        self._others_next = False
        self._outages = 0
        self._guarded_until = 0.0
        self._ended = False

    def wake(self) -> None:
        """There may be new work: look."""
        self._look = True
        self._wake.set()

    def pause(self) -> None:
        """Claim nothing more."""
        self.claiming = False
        self._wake.set()

    def end(self) -> None:
        """Leave `run` once nothing is left to record."""
        self._ended = True
        self.pause()

    async def run(self) -> None:
        """Step while there is work, until `end`."""
        while not self._ended or self._results:
            if self._has_work():
                await self._turn()
            else:
                await self._sleep()

    def lost(self, pairs: Iterable[tuple[int, int]]) -> None:
        """These claims are no longer ours: end their jobs, keep nothing of them."""
        for job_id, claim in pairs:
            if self.held.claim_of(job_id) == claim:
                self.tasks.cancel(job_id, by_person=False)
                if (job := self.ready.remove(job_id)) is not None:
                    self._forget(job)
                    self._look = True

    def cancelled(self, ids: Sequence[int]) -> None:
        """A person wants these stopped."""
        for job_id in ids:
            self.tasks.cancel(job_id, by_person=True)
            job = self.ready.remove(job_id)
            if job is not None:
                self._results.append(Result(job, Cancel(BY_PERSON), by_person=True))
        self._wake.set()

    def unstarted(self) -> list[Claimed]:
        """Take out every job that is claimed and not started: they can be given back at once."""
        return self.ready.take(len(self.ready))

    def give_up(self) -> list[Claimed]:
        """End every task without keeping its result; returns the jobs to give back."""
        jobs = self.tasks.jobs()
        self.tasks.cancel_all()
        return jobs

    def gave_back(self, jobs: Iterable[Claimed]) -> None:
        """These are no longer in our hands."""
        for job in jobs:
            self._forget(job)

    def _has_work(self) -> bool:
        if self._results or len(self.ready):
            return True
        due = self._next_at is not None and self._next_at <= clock.now()
        return self._may_claim() and self._free() > 0 and (self._look or due)

    def _may_claim(self) -> bool:
        return self.claiming and self._alone is None and (not self.lonely or not len(self.held))

    def _free(self) -> int:
        return self.settings.worker_slots - len(self.held)

    async def _sleep(self) -> None:
        """Where one transaction writes at a time, the next that brings jobs takes our claim along (docs/decisions/0027)."""
        if self.db.dialect != "sqlite" or not self._may_claim() or self._free() <= 0:
            await self._rest()
            return
        plan = self._plan([], [])
        with self.db.rides.waiting("jobs", step.run_leased, plan, self._lease) as ride:
            ride.done.add_done_callback(lambda _: self._wake.set())
            await self._rest()
        if ride.boarded:
            await self._conclude(plan, ride.done)

    async def _rest(self) -> None:
        wait = self.settings.poll_seconds
        if self._next_at is not None and self._may_claim() and self._free() > 0:
            wait = min(wait, max(0.0, (self._next_at - clock.now()).total_seconds()))
        try:
            async with asyncio.timeout(wait):
                await self._wake.wait()
        except TimeoutError:
            self._look = True
        self._wake.clear()

    async def _turn(self) -> None:
        jobs = self.ready.take(self.settings.batch_size)
        results, self._results = self._results, []
        plan = self._plan(jobs, results)
        await self._conclude(plan, self.db.write_in(Turn.STEP, step.run_leased, plan, self._lease))

    async def _conclude(self, plan: Plan, writing: Awaitable[tuple[Stepped, Lease]]) -> None:
        try:
            stepped, lease = await writing
        except CommitUnknown as error:
            log.warning("a step's commit is in doubt; the fence and the leases decide", exc_info=error)
            self._forget_all(plan)
        except HandlerRaised as error:
            log.info("a step was rolled back, its handlers are guarded from here on", exc_info=error)
            self._guarded_until = clock.monotonic() + GUARD_SECONDS
            self._keep(plan)
        except (EffectRaised, LostMeanwhile) as error:
            log.info("a step was rolled back, its jobs run alone", exc_info=error)
            await self._alone_each(plan)
        except Exception as error:
            await self._step_failed(plan, error)
        else:
            self._outages = 0
            self._apply(plan, stepped, lease)

    def _plan(self, jobs: Sequence[Claimed], results: Sequence[Result]) -> Plan:
        prepared = step.arranged([self._prepared[job.id] for job in jobs], self.db.dialect)
        wanted = None
        if self._may_claim():
            self._look = False
            slots = 1 if self.lonely else max(1, self.settings.batch_size - len(self.ready))
            before = self._claimed if self.settings.worker_slots >= OLDEST_EVERY else None
            wanted = Wanted(self.me, slots, before, self._lease, horizon=self._horizon)
        guarded = clock.monotonic() < self._guarded_until
        shares = Shares(self._free(), self.held.shared)
        return Plan(results, prepared, step.BUDGET[self.db.dialect], self._base, wanted, shares, self.lonely, guarded)

    def _apply(self, plan: Plan, stepped: Stepped, lease: Lease) -> None:
        for result in plan.results:
            self._forget(result.job)
        for group in plan.prepared[: stepped.ran]:
            for prepared in group:
                self._forget(prepared.job)
        self.ready.add(prepared.job for group in plan.prepared[stepped.ran :] for prepared in group)
        self._count(stepped.finished)
        if stepped.taken is not None:
            self._take(plan, stepped.taken, lease)

    def _take(self, plan: Plan, taken: Taken, lease: Lease) -> None:
        self._next_at, self._horizon = taken.next_at, taken.horizon
        self._claimed += len(taken.jobs)
        point("pump.claimed")
        self.held.add(taken.jobs, lease)
        if plan.lonely:
            self._alone = taken.jobs[0].id if taken.jobs else None
            self.lonely, self._look, self._others_next = False, True, bool(taken.jobs)
        elif self._others_next:  # where one had to run alone there may be more: they and the others take turns
            self.lonely, self._look, self._others_next = True, True, False
        for job in taken.jobs:
            self._begin(job)

    def _begin(self, job: Claimed) -> None:
        """Start a claimed job, or let it wait for a step; what cannot be started fails."""
        try:
            job_type = job_types.get(job.type)
            arguments = job_type.arguments(job.data)
            context = self._toolbox.context(job, partial(self.held.still_ours, job))
        except NotFound:
            self._results.append(Result(job, Fail(f"unknown job type {job.type!r}")))
        except Exception as error:
            self._results.append(Result(job, outcome_of(error)))
        else:
            if job_type.waits:
                self.tasks.start(job, job_type, context, arguments)
                point("pump.started")
            else:
                shared = job_type.together is not None
                self._prepared[job.id] = Prepared(job, context, arguments, partial(step.run_def, job_type), shared)
                self.ready.add([job])

    def _task_ended(self, job: Claimed, outcome: Outcome | None, by_person: bool) -> None:
        point("pump.ended")
        if outcome is None:
            self._forget(job)
            self._look = True
        else:
            self._results.append(Result(job, outcome, by_person))
        self._wake.set()

    async def _alone_each(self, plan: Plan) -> None:
        """Every part of a step that was rolled back, in a transaction of its own."""
        parts: list[Prepared | Result] = [*plan.results, *plan.each()]
        writes = (self.db.write_in(Turn.STEP, step.run_alone, part, self._base) for part in parts)
        for part, end in zip(parts, await asyncio.gather(*writes, return_exceptions=True), strict=True):
            if isinstance(end, Finished):
                self._forget(part.job)
                self._count(end)
            elif isinstance(end, CommitUnknown):
                self._forget(part.job)
            elif isinstance(part, Result):
                self._results.append(part)
            else:
                self.ready.add([part.job])
        self._look = True

    async def _step_failed(self, plan: Plan, error: Exception) -> None:
        """The database is away, or a statement is wrong: keep everything, use no try, go again."""
        if is_collision(error):
            await self._alone_each(plan)
            return
        if not is_outage(error):
            log.error("a step failed and is repeated", exc_info=error)
        self._outages += 1
        self._keep(plan)
        await asyncio.sleep(min(LONGEST_PAUSE, 0.05 * 2 ** min(self._outages, 10)))

    def _keep(self, plan: Plan) -> None:
        """Nothing of this was done: it comes again with the next step."""
        self._results[:0] = plan.results
        self.ready.add(prepared.job for prepared in plan.each())
        self._look = True

    def _forget_all(self, plan: Plan) -> None:
        self.gave_back([result.job for result in plan.results] + [prepared.job for prepared in plan.each()])
        self._look = True

    def _forget(self, job: Claimed) -> None:
        self.held.drop(job)
        self._prepared.pop(job.id, None)
        if self._alone == job.id:
            self._alone, self._look = None, True

    def _count(self, finished: Finished) -> None:
        self.finished += finished.completed + finished.failed
        if finished.late:
            self.late += len(finished.late)
            log.warning("late results were dropped", extra={"count": len(finished.late)})
