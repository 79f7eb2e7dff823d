"""What the rules make of a message, before anything of it is written."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from leadkeeper.rules.actions.base import Context, Effect
from leadkeeper.rules.decide import Decision, decide
from leadkeeper.rules.facts import Facts
from leadkeeper.rules.model import Rule

Firing = tuple[int, str]
"""A rule and the episode it fires for: done once, whatever happens."""


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

    def blocked(self, rule: Rule, found: Decision) -> None:
        """A guard stopped a rule that would have settled the message: then the guard does."""
        if found.block is not None and self.settled is None and rule.settles:
            self.settled = "silent" if found.block.action == "silent" else "hand_over"
            self.reason = found.block.guard


@dataclass(frozen=True, slots=True)
class Tried:
    """A rule that fired, or nearly did, with what its actions ask for."""

    rule: Rule
    decision: Decision
    effects: Sequence[Effect] = ()

    @property
    def firing(self) -> Firing:
        """What may be done once only."""
        return self.rule.id, self.decision.episode


@dataclass(slots=True)
class Judged:
    """The verdict on one message and the rules it rests on."""

    facts: Facts
    verdict: Verdict = field(default_factory=Verdict)
    tried: list[Tried] = field(default_factory=list)

    def fired(self) -> list[Firing]:
        """What would be done by this."""
        return [each.firing for each in self.tried if each.decision.fired]


def judge(
    conn: Connection, facts: Facts, rules: Sequence[Rule], now: datetime, done: Collection[Firing], job_id: int
) -> Judged | None:
    """Try each rule in its order; `done` has fired before and does nothing again.

    None when a rule fires whose actions write something themselves: they are carried out one by one.
    `conn` is handed to actions that only ask, which leave it alone.
    """
    judged = Judged(facts)
    for rule in rules:
        found = decide(rule, facts, now, settled=judged.verdict.settled)
        if found.fired:
            if not all(step.action.asks_only for step in found.actions):
                return None
            if (rule.id, found.episode) not in done:
                context = Context(rule_id=rule.id, rule_key=rule.key, episode=found.episode, job_id=job_id)
                effects = [step.action.run(conn, facts, step.params, context) for step in found.actions]
                judged.tried.append(Tried(rule, found, effects))
                for effect in effects:
                    judged.verdict.take(rule, effect)
        elif found.near:
            judged.tried.append(Tried(rule, found))
            judged.verdict.blocked(rule, found)
    return judged
