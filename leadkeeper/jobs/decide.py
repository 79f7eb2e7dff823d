"""Decide one inbound message: facts, rules in their order, effects. The AI has no part in it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.config import Settings
from leadkeeper.crashpoints import point
from leadkeeper.crm import conversations, decisions, messages, waiting
from leadkeeper.errors import Conflict
from leadkeeper.jobs.context import JobContext
from leadkeeper.jobs.delivery import reply_job
from leadkeeper.jobs.guarding import reaches
from leadkeeper.jobs.hand_over import hand_over
from leadkeeper.jobs.judge import Firing, Judged, Verdict, judge
from leadkeeper.jobs.undone import hand_over_event, reopen_event
from leadkeeper.queue.enqueue import enqueue_all, postpone
from leadkeeper.queue.handlers import job
from leadkeeper.queue.outcomes import Done, Outcome
from leadkeeper.rules import book, history, runs
from leadkeeper.rules.actions.base import Context, Effect
from leadkeeper.rules.decide import Decision
from leadkeeper.rules.decide import decide as decide_rule
from leadkeeper.rules.facts import Facts
from leadkeeper.rules.gather import Ask, gather_all
from leadkeeper.rules.model import Rule

TRIGGER = "message.received"


@dataclass(frozen=True, slots=True)
class Wanted:
    """One job of this type."""

    ctx: JobContext
    event_id: int


def decide_all(conn: Connection, wanted: Sequence[Wanted]) -> list[Outcome]:
    """Open decisions in, rule runs and effects out. A decision that is closed already is left as it is."""
    going = list(wanted)
    while going:  # of one conversation one at a time: the next one sees what this one has done
        rows = decisions.of_events(conn, [each.event_id for each in going])
        place = {row.event_id: row.conversation_id for row in rows if row.outcome is None and row.conversation_id is not None}
        wave = {place[each.event_id]: each for each in reversed(going) if each.event_id in place}
        if wave:
            _decide(conn, list(wave.values()), [Ask(conversation_id, each.event_id) for conversation_id, each in wave.items()])
        going = [each for each in going if each.event_id in place and wave[place[each.event_id]] is not each]
    return [Done()] * len(wanted)


@job(
    "decide",
    at_once=True,
    together=lambda conn, jobs: decide_all(conn, [Wanted(ctx, **data) for ctx, data in jobs]),
    when_failed=hand_over_event,
    when_redriven=reopen_event,
)
def decide(conn: Connection, ctx: JobContext, event_id: int) -> Outcome:
    """One alone."""
    return decide_all(conn, [Wanted(ctx, event_id)])[0]


def _decide(conn: Connection, going: Sequence[Wanted], asks: Sequence[Ask]) -> None:
    now = clock.now()
    settings = going[0].ctx.settings(conn)
    gathered = gather_all(conn, asks, now, settings, reach=reaches())
    point("decide.facts_gathered")
    rules = book.active(conn, TRIGGER)
    every = [history.add(conn, facts, rules) for facts in gathered]
    answers: list[tuple[int, int, str | None]] = []
    for each, facts, judged in zip(going, every, _judge_all(conn, going, every, rules, now), strict=True):
        verdict = judged.verdict if judged is not None else apply_rules(conn, each.ctx, facts, rules, now)
        if verdict.settled == "answer":
            answers.append((each.event_id, facts.conversation_id, verdict.first_line))
        else:
            _conclude(conn, each.ctx, facts, verdict)
    point("decide.rules_applied")
    if answers:
        _ask_for_replies(conn, answers, settings)


def _judge_all(
    conn: Connection, going: Sequence[Wanted], every: Sequence[Facts], rules: Sequence[Rule], now: datetime
) -> Sequence[Judged | None]:
    """What the rules make of each, with their runs recorded; None for those that have to be carried out one by one.

    Raises Conflict when a rule has fired for the same episode beside us: whoever tries again sees it.
    """
    done: set[Firing] = set()
    while True:
        judged = [judge(conn, facts, rules, now, done, each.ctx.job.id) for each, facts in zip(going, every, strict=True)]
        firing = [each for found in judged if found is not None for each in found.fired()]
        if len(set(firing)) < len(firing):  # one episode twice among us: the first does it, the others see that
            return [None] * len(going)
        before = runs.fired_among(conn, firing)
        if before <= done:
            break
        done |= before
    _record(conn, going, judged)
    return judged


def _record(conn: Connection, going: Sequence[Wanted], judged: Sequence[Judged | None]) -> None:
    tried = [
        runs.Run(each.rule, each.decision, found.facts, wanted.ctx.job.id, each.effects)
        for wanted, found in zip(going, judged, strict=True)
        if found is not None
        for each in found.tried
    ]
    if runs.record_all(conn, tried) < len(tried):
        raise Conflict("a rule fired for the same episode beside this")
    point("decide.run_recorded")


def apply_rules(conn: Connection, ctx: JobContext, facts: Facts, rules: Sequence[Rule], now: datetime) -> Verdict:
    """Try each rule in its order, record what fired and what nearly did, carry the actions out: for one that writes itself."""
    verdict = Verdict()
    for rule in rules:
        found = decide_rule(rule, facts, now, settled=verdict.settled)
        if not found.fired and not found.near:
            continue
        if found.fired:
            for effect in _carry_out(conn, ctx, rule, found, facts):
                verdict.take(rule, effect)
            continue
        runs.record(conn, runs.Run(rule, found, facts, ctx.job.id))
        verdict.blocked(rule, found)
    return verdict


def _carry_out(conn: Connection, ctx: JobContext, rule: Rule, found: Decision, facts: Facts) -> Sequence[Effect]:
    """The effects of what fired; none when it has fired for this episode before."""
    context = Context(rule_id=rule.id, rule_key=rule.key, episode=found.episode, job_id=ctx.job.id)
    run_id = runs.record(conn, runs.Run(rule, found, facts, ctx.job.id))
    point("decide.run_recorded")
    if run_id is None:
        return ()
    context = replace(context, run_row_id=run_id)
    effects = [step.action.run(conn, facts, step.params, context) for step in found.actions]
    point("decide.acted")
    runs.finish(conn, run_id, found, effects, job_id=ctx.job.id)
    return effects


def _conclude(conn: Connection, ctx: JobContext, facts: Facts, verdict: Verdict) -> None:
    """Close a decision that waits for no answer."""
    event_id = facts.event_id or 0
    if verdict.settled == "sent":
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
        hand_over(conn, ctx, facts.conversation_id, reason, event_id=event_id, text=text)


def _ask_for_replies(conn: Connection, answers: Sequence[tuple[int, int, str | None]], settings: Settings) -> None:
    """One pending reply per conversation: a burst moves it, at most QUIET_MAX_SECONDS after its first message.

    `answers` are (event, conversation, first line).
    """
    still_open = decisions.want_answer(conn, [(event_id, line) for event_id, _, line in answers])
    point("decide.answer_wanted")
    now = clock.now()
    quiet = now + timedelta(seconds=settings.quiet_seconds)
    wanted = {conversation_id for event_id, conversation_id, _ in answers if event_id in still_open}
    run_at = {}
    for conversation_id, rows in decisions.unanswered_of(conn, sorted(wanted)).items():
        first = min(row.opened_at for row in rows)
        run_at[conversation_id] = max(now, min(quiet, first + timedelta(seconds=settings.quiet_max_seconds)))
    moved = postpone(conn, {conversations.reply_key(each): moment for each, moment in run_at.items()})
    new = [reply_job(each, moment) for each, moment in run_at.items() if conversations.reply_key(each) not in moved]
    enqueue_all(conn, new)
