"""Run the scheduled rules: find who is due, decide each one, carry out what fires. Counted as it goes.

A few candidates at a time are one transaction, counts included, so progress is live and a run that
is tried again goes on where it was. A dry run writes what it would do to its own place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.errors import LeadkeeperError
from leadkeeper.jobs.context import JobContext
from leadkeeper.jobs.guarding import reaches
from leadkeeper.queue.fence import hold
from leadkeeper.queue.handlers import job
from leadkeeper.queue.jobs import Claimed
from leadkeeper.queue.outcomes import Done, Outcome
from leadkeeper.rules import book, candidates, history, run_book, runs
from leadkeeper.rules.actions.base import Context, Text
from leadkeeper.rules.candidates import Candidate
from leadkeeper.rules.decide import Decision, decide
from leadkeeper.rules.facts import Facts
from leadkeeper.rules.model import Rule
from leadkeeper.rules.run_book import Count
from leadkeeper.rules.triggers import SCHEDULED
from leadkeeper.store.savepoint import Savepoint

AT_ONCE = 20
"""Candidates one transaction decides."""
FOLLOW_UPS = ("followup.due",)
EXPIRIES = ("date.approaching",)


@dataclass(frozen=True, slots=True)
class Running:
    """One run under way."""

    id: int
    dry: bool
    lead_id: int | None


def give_up(conn: Connection, job: Claimed, error: str) -> None:
    """The run's job failed for good: the run says so."""
    run_id = job.data.get("runId")
    run_book.end(conn, run_id if isinstance(run_id, int) else run_book.of_job(conn, job.id, "scheduled"), error)


@job("run_rules", when_failed=give_up)
async def run_rules(ctx: JobContext, run_id: int | None = None, triggers: list[str] | None = None) -> Outcome:
    """Run the active rules of these triggers (all scheduled ones when none are named)."""
    return await _run(ctx, run_id, triggers or SCHEDULED)


@job("followup_due", when_failed=give_up)
async def followup_due(ctx: JobContext) -> Outcome:
    """Run the rules of follow-ups that are due."""
    return await _run(ctx, None, FOLLOW_UPS)


@job("expiry_reminder", when_failed=give_up)
async def expiry_reminder(ctx: JobContext) -> Outcome:
    """Run the rules of expiries that come near."""
    return await _run(ctx, None, EXPIRIES)


async def _run(ctx: JobContext, run_id: int | None, triggers: Sequence[str]) -> Outcome:
    running = await ctx.db.write(_begin, ctx, run_id)
    rules = await ctx.db.read(_rules, triggers)
    for rule in rules:
        while await ctx.db.write(_next, ctx, running, rule):
            pass
    return Done(then=partial(run_book.end, run_id=running.id))


def _begin(conn: Connection, ctx: JobContext, run_id: int | None) -> Running:
    run = run_book.begin(conn, run_id if run_id is not None else run_book.of_job(conn, ctx.job.id, "scheduled"))
    return Running(run.id, run.dry_run, run.lead_id)


def _rules(conn: Connection, triggers: Sequence[str]) -> list[Rule]:
    active = [rule for trigger in triggers for rule in book.active(conn, trigger)]
    return sorted(active, key=lambda rule: (rule.position, rule.id))


def _next(conn: Connection, ctx: JobContext, running: Running, rule: Rule) -> bool:
    """Decide the next few candidates of one rule; False when there are no more. Raises ClaimLost."""
    hold(conn, ctx.job)
    count = run_book.counted(conn, running.id, rule.id)
    if count.done:
        return False
    now, settings = clock.now(), ctx.settings(conn)
    page = candidates.find(conn, rule, now, settings, after=count.cursor, limit=AT_ONCE)
    for candidate in page:
        count.cursor = candidate.cursor
        if running.lead_id is None or candidate.lead_id == running.lead_id:
            count.candidates += 1
            facts = candidates.facts_of(conn, rule, candidate, now, settings, reaches())
            _one(conn, ctx, running, rule, history.add(conn, facts, [rule]), candidate, count)
    count.done = len(page) < AT_ONCE
    run_book.count(conn, running.id, rule.id, count)
    return not count.done


def _one(
    conn: Connection, ctx: JobContext, running: Running, rule: Rule, facts: Facts, candidate: Candidate, count: Count
) -> None:
    if count.sent >= rule.limits.max_per_run:
        count.skip("run_cap")
        return
    found = decide(rule, facts, facts.now)
    if running.dry:
        _would(conn, running, rule, facts, candidate, found, count)
        return
    if not found.fired:
        runs.record(conn, runs.Run(rule, found, facts, ctx.job.id, run_id=running.id))
        count.skip(found.reason)
        return
    savepoint = Savepoint(conn)
    try:
        _fire(conn, ctx, running, rule, facts, found, count)
        savepoint.keep()
    except LeadkeeperError as error:
        savepoint.undo()
        count.failed += 1
        failed = Decision("failed", error.message, found.episode, found.trace)
        runs.record(conn, runs.Run(rule, failed, facts, ctx.job.id, run_id=running.id))


def _fire(conn: Connection, ctx: JobContext, running: Running, rule: Rule, facts: Facts, found: Decision, count: Count) -> None:
    """Carry out what fired; the row of its episode is the claim that lets it happen once."""
    row_id = runs.record(conn, runs.Run(rule, found, facts, ctx.job.id, run_id=running.id))
    if row_id is None:
        count.skip("fired_before")
        return
    context = Context(rule_id=rule.id, rule_key=rule.key, episode=found.episode, run_row_id=row_id, job_id=ctx.job.id)
    effects = [step.action.run(conn, facts, step.params, context) for step in found.actions]
    runs.finish(conn, row_id, found, effects, job_id=ctx.job.id)
    if any(effect.message_id is not None for effect in effects):
        count.sent += 1
    else:
        count.skip("acted_without_message")


def _would(
    conn: Connection, running: Running, rule: Rule, facts: Facts, candidate: Candidate, found: Decision, count: Count
) -> None:
    """What a real run would do to this one; nothing else is written."""
    fires = found.fired and not runs.has_fired(conn, rule.id, found.episode)
    reason = found.reason if not found.fired or fires else "fired_before"
    texts = [getattr(step.params, "text", None) for step in found.actions] if fires else []
    text = next((each.render(facts) for each in texts if isinstance(each, Text)), None)
    if fires and text is not None:
        count.sent += 1
    else:
        count.skip("acted_without_message" if fires else reason)
    run_book.would(
        conn,
        running.id,
        rule.id,
        lead_id=candidate.lead_id,
        conversation_id=candidate.conversation_id,
        verdict="would_send" if fires and text is not None else "would_act" if fires else found.verdict,
        reason=reason,
        text=text,
    )
