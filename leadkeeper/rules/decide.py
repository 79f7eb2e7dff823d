"""The decision: one pure, total function from a rule and the facts to what is done and why.

It reads nothing and writes nothing, so the live path, a dry run, a trial and the explanation on the
console are the same thing. It fires only when everything it asked for is known to be true.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from leadkeeper.rules import conditions, guards
from leadkeeper.rules.actions.base import Text
from leadkeeper.rules.facts import Facts, History
from leadkeeper.rules.guards import Block, Outgoing
from leadkeeper.rules.model import Rule, Step
from leadkeeper.rules.triggers import TRIGGERS

SUBJECT = ("message.text", "message.words", "message.kind", "message.answerable", "channel")
"""Facts that say what a message is: when they differ it was simply another message, no near miss."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rule came to. `verdict`: fired, skipped, deferred (until `until`) or blocked (by `block`).

    `near`: it did not fire, but nearly did, and is worth a row that explains why.
    """

    verdict: str
    reason: str
    episode: str
    trace: dict[str, Any]
    actions: tuple[Step, ...] = ()
    near: bool = False
    block: Block | None = None
    until: datetime | None = None

    @property
    def fired(self) -> bool:
        """True when its actions are to be carried out."""
        return self.verdict == "fired"


@dataclass(slots=True)
class _Case:
    """One decision being taken; `trace` grows with each step."""

    rule: Rule
    facts: Facts
    now: datetime
    trace: dict[str, Any] = field(default_factory=dict)

    def ends(self, verdict: str, reason: str, **more: Any) -> Decision:
        return Decision(verdict, reason, episode(self.rule, self.facts), self.trace, **more)


def decide(rule: Rule, facts: Facts, now: datetime, *, settled: str | None = None) -> Decision:
    """What `rule` does about `facts` at `now`.

    `settled`: what an earlier rule has already made of this message (answer, hand_over, silent); a
    rule that would decide it again, or write to the customer, is skipped. One that only adds to an
    answer fires when there is one.
    """
    case = _Case(rule, facts.at(now), now)
    if facts.trigger != rule.trigger.kind:
        return case.ends("skipped", "other_trigger")
    holds = TRIGGERS[rule.trigger.kind].holds(case.facts, rule.trigger.params, now)
    case.trace["trigger"] = {"kind": rule.trigger.kind, "holds": holds}
    if not holds:
        return case.ends("skipped", "episode_ended")
    result, case.trace["when"] = conditions.evaluate(rule.when, case.facts)
    if result is not True:
        return case.ends("skipped", "conditions" if result is False else "unknown", near=_nearly(case.trace["when"]))
    if rule.joins_answer and settled != "answer":
        return case.ends("skipped", "no_answer_to_join")
    if settled and (rule.settles or rule.speaks):
        return case.ends("skipped", "already_settled", near=True)
    return _limits(case) or _guards(case)


def episode(rule: Rule, facts: Facts) -> str:
    """What makes two firings of this rule the same; at most 200 characters."""
    once = rule.limits.once_per
    if once == "ever":
        return "ever"
    if once == "contact":
        return f"contact:{facts.contact_id}"
    if once == "day":
        return f"contact:{facts.contact_id}:{facts.today.isoformat()}"
    return TRIGGERS[rule.trigger.kind].stamp(facts, rule.trigger.params)[:200]


def purpose(rule: Rule) -> str:
    """The class of guards the rule's message falls under."""
    return "reply" if TRIGGERS[rule.trigger.kind].inbound else "proactive"


def _limits(case: _Case) -> Decision | None:
    """What the rule's own limits say; None: they let it through."""
    limits, facts = case.rule.limits, case.facts
    if not facts.autopilot and case.rule.guarded:
        action = "hand_over" if purpose(case.rule) == "reply" else "skip"
        return case.ends("blocked", "autopilot_off", near=True, block=Block("autopilot_off", action))
    before = facts.history.get(case.rule.id, History())
    if limits.cooldown_minutes and before.last_fired_at is not None:
        over = before.last_fired_at + timedelta(minutes=limits.cooldown_minutes)
        case.trace["limit"] = {"cooldownMinutes": limits.cooldown_minutes, "until": over.isoformat()}
        if case.now < over:
            return case.ends("skipped", "cooldown", near=True, until=over)
    if limits.window == "business" and not facts.business.is_open(case.now):
        opens = facts.business.next_open(case.now)
        case.trace["limit"] = {"window": "business", "until": opens.isoformat() if opens else None}
        return case.ends("deferred" if opens else "blocked", "outside_hours", near=True, until=opens)
    return None


def _guards(case: _Case) -> Decision:
    """What the guards say of the rule's message, and so what is done."""
    rule, facts = case.rule, case.facts
    message = _outgoing(case)
    block = guards.check(purpose(rule), facts, case.now, message) if message else None
    usual = tuple(step for step in rule.do if not step.instead)
    if block is None:
        return case.ends("fired", "fired", actions=usual)
    case.trace["guard"] = {"name": block.guard, "action": block.action, "until": block.until.isoformat() if block.until else None}
    if block.action == "defer":
        return case.ends("deferred", block.guard, near=True, block=block, until=block.until)
    instead = tuple(step for step in rule.do if step.instead)
    if block.action == "skip" and instead and block.guard != "stop_switch":
        rest = tuple(step for step in usual if not step.action.speaks)
        return case.ends("fired", f"instead:{block.guard}", actions=instead + rest, block=block)
    return case.ends("blocked", block.guard, near=True, block=block)


def _outgoing(case: _Case) -> Outgoing | None:
    """The message the rule would write, for the guards; None when it writes none."""
    speaking = next((step for step in case.rule.do if step.action.guarded), None)
    if speaking is None:
        return None
    text = getattr(speaking.params, "text", None)
    history = case.facts.history.get(case.rule.id, History())
    return Outgoing(
        text=text.render(case.facts) if isinstance(text, Text) else None,
        template=bool(getattr(speaking.params, "template", None)),
        capped_until=history.capped_until,
        was_due=_was_due(case),
    )


def _was_due(case: _Case) -> bool:
    """True when the database was put back from a copy and this was due then: it may have been done since the copy was made."""
    restored, kind = case.facts.business.restored, TRIGGERS[case.rule.trigger.kind]
    if restored is None or kind.inbound:
        return False
    return kind.holds(case.facts.at(restored.at), case.rule.trigger.params, restored.at)


def _nearly(trace: dict[str, Any]) -> bool:
    """True when the message was the right one and exactly one circumstance was not."""
    parts = trace.get("all", ())
    missed = [part for part in parts if part.get("result") is not True]
    return len(parts) > 1 and len(missed) == 1 and missed[0].get("fact") not in SUBJECT
