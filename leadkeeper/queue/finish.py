"""Recording what jobs came to. A result counts only for its own claim, while the job is processing.

Rows change first, then the next of each finished key is promoted, then the effects (`then`,
`when_failed`) are written: so an effect that enqueues with its own key stands behind those who wait.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import Random

from sqlalchemy import Connection, Select, Update, bindparam, select, update

from leadkeeper import clock
from leadkeeper.crashpoints import point
from leadkeeper.queue.endings import BY_PERSON, EffectRaised, Ending, end, settle
from leadkeeper.queue.give_back import Back, give_back
from leadkeeper.queue.handlers import job_types
from leadkeeper.queue.jobs import Claimed
from leadkeeper.queue.minutes import count
from leadkeeper.queue.outcomes import Cancel, Done, Fail, Outcome, Retry, Snooze, Together
from leadkeeper.queue.promote import promote
from leadkeeper.queue.retry import backoff
from leadkeeper.queue.rows import HELD, processing
from leadkeeper.queue.scopes import parked_among
from leadkeeper.queue.tries import TryError, record, storable
from leadkeeper.store.prepared import Prepared
from leadkeeper.store.schema import jobs
from leadkeeper.store.signals import signal
from leadkeeper.store.types import Instant

_RANDOM = Random()


@dataclass(slots=True)
class Result:
    """What a claimed job came to. `settle` is False when its `when_failed` itself has raised before."""

    job: Claimed
    outcome: Outcome
    by_person: bool = False
    settle: bool = True


@dataclass(slots=True)
class Finished:
    """What was recorded; `late` are the results that were dropped because another worker took over."""

    late: list[Result]
    completed: int = 0
    failed: int = 0


def finish(conn: Connection, results: Sequence[Result], base: timedelta) -> Finished:
    """Record results in one go; `base` is the first back-off. Raises EffectRaised: roll back then."""
    if not results:
        return Finished([])
    plain = [result for result in results if isinstance(result.outcome, Done)]
    held = _hold(conn, _to_lock(conn, results, plain))
    point("finish.held")
    done = _complete(conn, plain)
    point("finish.completed")
    others = [result for result in results if result.job.id in held and not isinstance(result.outcome, Done)]
    endings, backs = _sort_out(conn, others, held, base)
    end(conn, endings)
    give_back(conn, backs)
    point("finish.given_back")
    alive = done | {result.job.id for result in others}
    ended = done | {ending.job.id for ending in endings}
    promote(conn, {result.job.key for result in results if result.job.key is not None and result.job.id in ended})
    point("finish.promoted")
    _write_effects(conn, [result for result in results if result.job.id in alive], endings)
    point("finish.effects_written")
    late = [result for result in results if result.job.id not in alive]
    _record_errors(conn, others, endings, late)
    signal(conn, "stats")
    return Finished(late, len(done), sum(ending.status == "failed" for ending in endings))


def complete_statement(dialect: str) -> Update:
    """Completed, if the claim is still ours: the fence of the hot path."""
    held = HELD.table(dialect)
    return (
        update(jobs)
        .where(jobs.c.id == held.c.id, jobs.c.claim == held.c.claim, processing())
        .values(status="completed", completed_at=bindparam("now", type_=Instant), lease_until=None, error=None)
        .returning(jobs.c.id)
    )


def hold_statement(dialect: str) -> Select[tuple[int, bool]]:
    """The jobs whose claim is still ours, locked in the order of keys: the fence of all other ends."""
    held = HELD.table(dialect)
    ours = select(jobs.c.id, jobs.c.cancel_requested).where(jobs.c.id == held.c.id, jobs.c.claim == held.c.claim, processing())
    return ours.order_by(jobs.c.key, jobs.c.id).with_for_update(of=jobs)


_COMPLETE = Prepared(complete_statement)
_HOLD = Prepared(hold_statement)


def _to_lock(conn: Connection, results: Sequence[Result], plain: Sequence[Result]) -> Sequence[Result]:
    """Those that must be looked at first; on PostgreSQL all with a key, to lock heads in sorted order."""
    ordered = conn.dialect.name == "postgresql"
    if len(plain) == len(results) and not (ordered and any(result.job.key for result in plain)):
        return ()
    return [result for result in results if not isinstance(result.outcome, Done) or (ordered and result.job.key)]


def _hold(conn: Connection, results: Sequence[Result]) -> dict[int, bool]:
    """Whether a cancel was asked for, by id, of the jobs that are still ours."""
    if not results:
        return {}
    pairs = HELD.values(conn.dialect.name, [(result.job.id, result.job.claim) for result in results])
    return {row.id: row.cancel_requested for row in _HOLD.all(conn, **pairs)}


def _complete(conn: Connection, results: Sequence[Result]) -> set[int]:
    if not results:
        return set()
    pairs = HELD.values(conn.dialect.name, [(result.job.id, result.job.claim) for result in results])
    done = set(_COMPLETE.scalars(conn, **pairs, now=clock.now()))
    count(conn, completed=len(done))
    return done


def _sort_out(
    conn: Connection, results: Sequence[Result], held: dict[int, bool], base: timedelta
) -> tuple[list[Ending], list[Back]]:
    now = clock.now()
    parked = parked_among(conn, (result.job.scope for result in results))
    endings: list[Ending] = []
    backs: list[Back] = []
    for result in results:
        came = _come_to(result, cancelled=held[result.job.id], now=now, base=base)
        if isinstance(came, Ending):
            endings.append(came)
        elif result.job.scope in parked:
            backs.append(Back(came.id, clock.FAR, came.attempts, came.losses, came.error))
        else:
            backs.append(came)
    return endings, backs


def _come_to(result: Result, *, cancelled: bool, now: datetime, base: timedelta) -> Ending | Back:
    """The end or the return of one job that is not done."""
    job, outcome = result.job, result.outcome
    match outcome:
        case Fail(reason):
            return Ending(job, "failed", storable(reason), result.settle)
        case Cancel(reason):
            return Ending(job, "cancelled", storable(reason), result.by_person and result.settle)
        case Retry(reason) if job.attempts > job.max_retries:
            return Ending(job, "failed", storable(reason), result.settle)
        case Retry() | Snooze() if cancelled:
            return Ending(job, "cancelled", BY_PERSON, result.settle)
        case Retry(reason, after):
            return Back(job.id, now + _wait(job, after, base), job.attempts, job.losses, storable(reason))
        case Snooze(until, reason):
            when = now if until >= clock.FAR else until
            return Back(job.id, when, max(0, job.attempts - 1), job.losses, storable(reason))
    raise TypeError(f"{outcome!r} is no outcome")


def _wait(job: Claimed, after: timedelta | None, base: timedelta) -> timedelta:
    known = job_types.peek(job.type)
    if after is not None or (known is not None and known.at_once):
        return after or timedelta(0)
    return backoff(job.attempts, _RANDOM, base)


def _write_effects(conn: Connection, alive: Sequence[Result], endings: Sequence[Ending]) -> None:
    shared: dict[Callable[..., object], list[tuple[Result, Together]]] = {}
    for result in alive:
        then = result.outcome.then
        if isinstance(then, Together):
            shared.setdefault(then.write, []).append((result, then))
        elif then is not None:
            _effect(result, partial(then, conn))
    for write, wanted in shared.items():
        _effect(wanted[0][0], partial(write, conn, [then.item for _, then in wanted]))
    for ending in endings:
        settle(conn, ending)


def _effect(result: Result, write: Callable[[], object]) -> None:
    try:
        write()
    except Exception as error:
        raise EffectRaised(result.job, "then", error) from error


def _record_errors(conn: Connection, others: Sequence[Result], endings: Sequence[Ending], late: Sequence[Result]) -> None:
    failed = {ending.job.id for ending in endings if ending.status == "failed"}
    tries = [
        TryError(each.job.id, each.job.attempts, None, "fail" if each.job.id in failed else "retry", each.outcome.reason)
        for each in others
        if isinstance(each.outcome, Retry | Fail)
    ]
    if late:
        ids = [result.job.id for result in late]
        there = set(conn.execute(select(jobs.c.id).where(jobs.c.id.in_(ids))).scalars())
        tries += [
            TryError(each.job.id, each.job.attempts, None, "late", f"dropped: {type(each.outcome).__name__}")
            for each in late
            if each.job.id in there
        ]
    record(conn, tries)
