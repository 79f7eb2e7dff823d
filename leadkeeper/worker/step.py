"""One step of the pump: a single transaction, a single commit.

Run `def` handlers for as long as the budget lasts, finish what was gathered, promote the next of
each finished key, claim into the free slots. Finish comes before claim: the other order deadlocks
between workers. Handlers run without savepoints; when one raises, the whole step rolls back and
each part runs alone (`run_alone`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.crashpoints import point
from leadkeeper.queue.claim import Taken, Wanted, claim, claim_lonely
from leadkeeper.queue.endings import EffectRaised
from leadkeeper.queue.finish import Finished, Result, finish
from leadkeeper.queue.handlers import JobType
from leadkeeper.queue.jobs import Claimed
from leadkeeper.queue.outcomes import Fail, Outcome, Retry
from leadkeeper.queue.shares import Shares
from leadkeeper.store.savepoint import Savepoint
from leadkeeper.worker.failure import is_outage, outcome_of
from leadkeeper.worker.held import Lease
from leadkeeper.worker.tasks import checked

BUDGET = {"sqlite": 0.020, "postgresql": 0.050}
"""Seconds of `def` handlers in one step: SQLite's one writer is wanted by webhooks too."""
MOST_TOGETHER = {"sqlite": 25, "postgresql": 100}
"""Jobs of one type that are done in one go: more of them are fewer ways to PostgreSQL, and hold SQLite's writer longer."""
GUARDED_TOGETHER = 16
"""Handlers that share a savepoint: fewer cost a statement more for each, more have to run again when one of them raises."""


@dataclass(slots=True)
class Prepared:
    """A claimed `def` job: `call(conn, jobs)` does it, and others of its type with it where it is `shared`."""

    job: Claimed
    context: object
    arguments: Mapping[str, object]
    call: Callable[[Connection, "Sequence[Prepared]"], Sequence[Outcome]]
    shared: bool = False


def run_def(job_type: JobType, conn: Connection, jobs: Sequence[Prepared]) -> Sequence[Outcome]:
    """Run the handler of a `def` type for these."""
    if job_type.together is not None:
        return job_type.together(conn, [(each.context, each.arguments) for each in jobs])
    return [checked(job_type, job_type.run(conn, each.context, **each.arguments)) for each in jobs]


def arranged(prepared: Sequence[Prepared], dialect: str) -> list[list[Prepared]]:
    """The jobs in their order, those of a shared type drawn forward to the first of them, MOST_TOGETHER at a time."""
    groups: list[list[Prepared]] = []
    open_ones: dict[str, list[Prepared]] = {}
    for each in prepared:
        group = open_ones.get(each.job.type) if each.shared else None
        if group is None or len(group) == MOST_TOGETHER[dialect]:
            group = []
            groups.append(group)
            if each.shared:
                open_ones[each.job.type] = group
        group.append(each)
    return groups


@dataclass(frozen=True, slots=True)
class Plan:
    """What one step is to do. `guarded`: a handler that raises ends its own job only, at the price of savepoints.

    `shares` of the slots that are free already; those that finish here come on top.
    """

    results: Sequence[Result]
    prepared: Sequence[Sequence[Prepared]]
    budget: float
    base: timedelta
    wanted: Wanted | None
    shares: Shares
    lonely: bool = False
    guarded: bool = False

    def each(self) -> list[Prepared]:
        """Every prepared job."""
        return [prepared for group in self.prepared for prepared in group]


@dataclass(frozen=True, slots=True)
class Stepped:
    """What a step did: the first `ran` groups of the prepared were run; `taken` is None when it claimed nothing."""

    finished: Finished
    ran: int
    taken: Taken | None


class HandlerRaised(Exception):
    """A `def` handler raised: the step must be rolled back."""

    def __init__(self, job: Claimed, error: Exception) -> None:
        super().__init__(f"{job.type}: {type(error).__name__}: {error}")
        self.job = job


class LostMeanwhile(Exception):
    """A `def` handler ran for a job that is no longer ours: its effects must be rolled back."""

    def __init__(self, late: Sequence[Result]) -> None:
        super().__init__(f"{len(late)} jobs were taken over by another worker")
        self.late = late


def run_step(conn: Connection, plan: Plan) -> Stepped:
    """Do `plan`. Raises HandlerRaised, EffectRaised or LostMeanwhile: nothing of it may stay then."""
    results = list(plan.results)
    until = clock.monotonic() + plan.budget
    ran = 0
    size = GUARDED_TOGETHER if plan.guarded else 1
    for groups in (plan.prepared[start : start + size] for start in range(0, len(plan.prepared), size)):
        results += _guarded(conn, groups) if plan.guarded else _call(conn, groups[0])
        point("run.ended")
        ran += len(groups)
        if clock.monotonic() >= until:
            break
    finished = _finish(conn, results, plan.base)
    _refuse_late(finished, {prepared.job.id for group in plan.prepared[:ran] for prepared in group})
    point("run.finished")
    return Stepped(finished, ran, _claim(conn, plan, results))


def run_leased(conn: Connection, plan: Plan, lease: timedelta) -> tuple[Stepped, Lease]:
    """`run_step`, and the lease of what it claims: begun before, so that it ends before the one in the rows."""
    begun = Lease.beginning_now(lease)
    return run_step(conn, plan), begun


def run_alone(conn: Connection, part: Prepared | Result, base: timedelta) -> Finished:
    """One job by itself: whatever of it raises is rolled back and recorded as this try's failure."""
    while True:
        savepoint = Savepoint(conn)
        result = part if isinstance(part, Result) else None
        try:
            if isinstance(part, Prepared):
                (result,) = _call(conn, [part])
            finished = _finish(conn, [result] if result else [], base)
            if isinstance(part, Prepared):
                _refuse_late(finished, {part.job.id})
            savepoint.keep()
            return finished
        except HandlerRaised as error:
            savepoint.undo()
            part = Result(error.job, outcome_of(error.__cause__ or error))
        except EffectRaised as error:
            savepoint.undo()
            part = _without_effect(result or Result(error.job, outcome_of(error)), error)
        except LostMeanwhile as lost:
            savepoint.undo()
            part = lost.late[0]


def _call(conn: Connection, group: Sequence[Prepared]) -> list[Result]:
    try:
        point("run.begins")
        outcomes = group[0].call(conn, group)
        return [Result(each.job, outcome) for each, outcome in zip(group, outcomes, strict=True)]
    except Exception as error:
        if is_outage(error):
            raise
        raise HandlerRaised(group[0].job, error) from error


def _guarded(conn: Connection, groups: Sequence[Sequence[Prepared]]) -> list[Result]:
    """The same for several, under one savepoint: what raises becomes its job's result, and the others run again without it."""
    left, failed = list(groups), list[Result]()
    while True:
        savepoint = Savepoint(conn)
        results: list[Result] = []
        try:
            for group in left:
                results += _call(conn, group)
            savepoint.keep()
            return [*results, *failed]
        except HandlerRaised as error:
            savepoint.undo()
            at = next(at for at, group in enumerate(left) if group[0].job is error.job)
            group = left.pop(at)
            if len(group) > 1:
                left[at:at] = [[each] for each in group]
            else:
                failed.append(Result(error.job, outcome_of(error.__cause__ or error)))


def _finish(conn: Connection, results: Sequence[Result], base: timedelta) -> Finished:
    try:
        return finish(conn, results, base)
    except EffectRaised as error:
        if error.__cause__ is not None and is_outage(error.__cause__):
            raise error.__cause__ from None
        raise


def _refuse_late(finished: Finished, ran: set[int]) -> None:
    late = [result for result in finished.late if result.job.id in ran]
    if late:
        raise LostMeanwhile(late)


def _claim(conn: Connection, plan: Plan, freed: Sequence[Result]) -> Taken | None:
    wanted = plan.wanted
    if wanted is None:
        return None
    if plan.lonely:
        return claim_lonely(conn, wanted)
    shares = plan.shares.copy()
    for result in freed:
        shares.finish(result.job)
    slots = min(wanted.slots, shares.free)
    horizon = wanted.horizon
    if horizon is not None and (keyed := [result.job.created_at for result in freed if result.job.key is not None]):
        horizon = horizon.reaching(min(keyed))  # who followed one of them is a head now, and due since it was enqueued
    return claim(conn, replace(wanted, slots=slots, shares=shares, horizon=horizon)) if slots else None


def _without_effect(result: Result, error: EffectRaised) -> Result:
    """The same job with the raising effect as this try's failure; its `when_failed` is given up last."""
    outcome = result.outcome
    if error.of == "then":
        return replace(result, outcome=outcome_of(error.__cause__ or error))
    if isinstance(outcome, Retry | Fail):
        outcome = replace(outcome, then=None, reason=f"{outcome.reason} [{error}]")
    return replace(result, outcome=outcome, settle=False)
