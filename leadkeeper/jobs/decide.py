"""Decide one inbound message: facts, rules in their order, effects. The AI has no part in it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.config import Settings
from leadkeeper.crashpoints import point
from leadkeeper.crm import conversations, decisions, messages, waiting
from leadkeeper.jobs.context import JobContext
from leadkeeper.jobs.delivery import queue_reply
from leadkeeper.jobs.guarding import reaches
from leadkeeper.jobs.hand_over import hand_over
from leadkeeper.jobs.undone import hand_over_event, reopen_event
from leadkeeper.queue.enqueue import postpone
from leadkeeper.queue.handlers import job
from leadkeeper.queue.outcomes import Done, Outcome
from leadkeeper.rules import book, history, runs
from leadkeeper.rules.actions.base import Context, Effect
from leadkeeper.rules.decide import Decision
from leadkeeper.rules.decide import decide as decide_rule
from leadkeeper.rules.facts import Facts
from leadkeeper.rules.gather import Ask, gather
from leadkeeper.rules.model import Rule

TRIGGER = "message.received"


@dataclass(slots=True)
class Verdict:
    """What the rules have made of a message so far; the first rule that settles it stands."""

    settled: str | None = None
    reason: str = ""
    first_line: str | None = None
    message_id: int | None = None

    def take(self, rule: Rule, effect: Effect) -> None:
        """Add one effect."""
        self.first_line = self.first_line or effect.first_line
        if self.settled is not None:
            return
        if effect.hand_over:
            self.settled, self.reason = "hand_over", effect.hand_over
        elif effect.silent:
            self.settled, self.reason = "silent", effect.silent
        elif effect.wants_answer:
            self.settled, self.reason = "answer", rule.key
        elif effect.message_id is not None:
            self.settled, self.reason, self.message_id = "sent", rule.key, effect.message_id


@job("decide", at_once=True, when_failed=hand_over_event, when_redriven=reopen_event)
def decide(conn: Connection, ctx: JobContext, event_id: int) -> Outcome:
    """Open decision in, rule runs and effects out. A decision that is closed already is left as it is."""
    decision = decisions.of_event(conn, event_id)
    if decision is None or decision.outcome is not None or decision.conversation_id is None:
        return Done()
    now = clock.now()
    settings = ctx.settings(conn)
    facts = gather(conn, Ask(decision.conversation_id, event_id), now, settings, reach=reaches())
    point("decide.facts_gathered")
    rules = book.active(conn, TRIGGER)
    verdict = apply_rules(conn, ctx, history.add(conn, facts, rules), rules, now)
    point("decide.rules_applied")
    _conclude(conn, ctx, facts, verdict, settings)
    return Done()


def apply_rules(conn: Connection, ctx: JobContext, facts: Facts, rules: Sequence[Rule], now: datetime) -> Verdict:
    """Try each rule in its order, record what fired and what nearly did, carry the actions out."""
    verdict = Verdict()
    for rule in rules:
        found = decide_rule(rule, facts, now, settled=verdict.settled)
        if not found.fired and not found.near:
            continue
        if found.fired:
            for effect in _carry_out(conn, ctx, rule, found, facts):
                verdict.take(rule, effect)
            continue
        runs.record(conn, rule, found, facts, job_id=ctx.job.id)
        point("decide.run_recorded")
        if found.block is not None and verdict.settled is None and rule.settles:
            verdict.settled = "silent" if found.block.action == "silent" else "hand_over"
            verdict.reason = found.block.guard
    return verdict


def _carry_out(conn: Connection, ctx: JobContext, rule: Rule, found: Decision, facts: Facts) -> Sequence[Effect]:
    """The effects of what fired; none when it has fired for this episode before. Actions that only ask need one row less."""
    context = Context(rule_id=rule.id, rule_key=rule.key, episode=found.episode, job_id=ctx.job.id)
    if all(step.action.asks_only for step in found.actions):
        asked = [step.action.run(conn, facts, step.params, context) for step in found.actions]
        new = runs.record(conn, rule, found, facts, job_id=ctx.job.id, effects=asked)
        point("decide.run_recorded")
        return asked if new is not None else ()
    run_id = runs.record(conn, rule, found, facts, job_id=ctx.job.id)
    point("decide.run_recorded")
    if run_id is None:
        return ()
    context = replace(context, run_row_id=run_id)
    effects = [step.action.run(conn, facts, step.params, context) for step in found.actions]
    point("decide.acted")
    runs.finish(conn, run_id, found, effects, job_id=ctx.job.id)
    return effects


def _conclude(conn: Connection, ctx: JobContext, facts: Facts, verdict: Verdict, settings: Settings) -> None:
    """Close the decision, or leave it open for the answer the rules asked for."""
    event_id = facts.event_id or 0
    if verdict.settled == "answer":
        if decisions.want_answer(conn, event_id, verdict.first_line):
            _ask_for_reply(conn, facts.conversation_id, settings)
    elif verdict.settled == "sent":
        decisions.close(conn, [event_id], "answered", verdict.reason, verdict.message_id)
    elif verdict.settled == "silent":
        decisions.close(conn, [event_id], "silent", verdict.reason)
        if verdict.reason not in ("user_owns", "person"):  # there they wait for that person
            waiting.asks_nothing(conn, facts.conversation_id, messages.get(conn, facts.message_id or 0).created_at)
    else:
        reason = verdict.reason or "no_rule"
        events = [row.event_id for row in decisions.unanswered(conn, facts.conversation_id)]
        decisions.close(conn, [*events, event_id], "handed_over", reason)
        text = "handover_media" if not facts.answerable and facts.kind in ("image", "video", "audio", "document") else "handover"
        hand_over(conn, ctx, facts.conversation_id, reason, text=text)


def _ask_for_reply(conn: Connection, conversation_id: int, settings: Settings) -> None:
    """One pending reply per conversation: a burst moves it, at most QUIET_MAX_SECONDS after its first message."""
    now = clock.now()
    first = min(row.opened_at for row in decisions.unanswered(conn, conversation_id))
    quiet = now + timedelta(seconds=settings.quiet_seconds)
    run_at = max(now, min(quiet, first + timedelta(seconds=settings.quiet_max_seconds)))
    if postpone(conn, conversations.reply_key(conversation_id), run_at) is None:
        queue_reply(conn, conversation_id, run_at)
        point("decide.reply_queued")
