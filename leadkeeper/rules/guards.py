"""The guards of everything we send, by class and in one fixed order; pure.

The same function runs when deciding and again in the transaction that commits the sending, where
the facts are read anew. The first guard that stops a message names what becomes of it.

class      guards, in order                                                      when blocked
person     opted out, window                                                     refuse
notice     stop switch, opted out, a user owns it, window                        skip
reply      stop switch, opted out, owner, restored, window, age, loop,           silent (opted out, a user
           stale draft                                                           owns it), stale, else hand_over
proactive  stop switch, opted out, owner is a user, restored, window,
           quiet hours, frequency, rule cap, same text, too many since anyone
           spoke                                                                 skip or defer

restored: the database was put back from a copy, and this may have been answered or sent since the copy was made.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from leadkeeper.rules.facts import Facts
from leadkeeper.rules.words import normalise

OLDEST_ANSWERED = timedelta(hours=12)
MOST_PER_HOUR = 10
"""More automatic messages to one contact within an hour than this is a loop."""
MOST_UNANSWERED = 3
"""Automatic messages since the customer or a person last spoke; a fourth is not sent."""
MOST_PROACTIVE_PER_DAY = 2
"""Messages of rules one contact gets in 24 hours."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The message the guards are asked about, as far as it is known yet.

    `template`: it may go outside the channel's window; `overrides_opt_out`: a person gave a reason;
    `revision`: the conversation's revision it was written for; `capped_until`: its rule's hourly cap;
    `was_due`: what it is about was due already when the database was last put back from a copy.
    """

    text: str | None = None
    template: bool = False
    overrides_opt_out: bool = False
    revision: int | None = None
    capped_until: datetime | None = None
    was_due: bool = False


@dataclass(frozen=True, slots=True)
class Block:
    """What stopped a message. `action`: refuse, skip, silent, hand_over, stale, or defer until `until`."""

    guard: str
    action: str
    until: datetime | None = None


Guard = Callable[[Facts, Outgoing, datetime], bool]


def _is_of_the_copy(facts: Facts) -> bool:
    restored = facts.business.restored
    return restored is not None and facts.event_id is not None and facts.event_id <= restored.event


_GUARDS: Mapping[str, Guard] = {
    "stop_switch": lambda facts, message, now: facts.business.stopped,
    "opted_out": lambda facts, message, now: facts.opted_out and not message.overrides_opt_out,
    "user_owns": lambda facts, message, now: facts.owner == "user",
    "not_ai": lambda facts, message, now: facts.owner != "ai",
    "restored": lambda facts, message, now: message.was_due or _is_of_the_copy(facts),
    "window": lambda facts, message, now: not (facts.at(now).window_open or (message.template and facts.reach.templates)),
    "too_old": lambda facts, message, now: facts.at(now).message_age > OLDEST_ANSWERED,
    "loop": lambda facts, message, now: facts.automatic_last_hour >= MOST_PER_HOUR,
    "stale": lambda facts, message, now: message.revision is not None and message.revision != facts.revision,
    "quiet_hours": lambda facts, message, now: facts.business.is_quiet(now),
    "frequency": lambda facts, message, now: facts.proactive_last_day >= MOST_PROACTIVE_PER_DAY,
    "rule_cap": lambda facts, message, now: message.capped_until is not None and message.capped_until > now,
    "same_text": lambda facts, message, now: bool(message.text) and normalise(message.text or "") in facts.recent_texts,
    "unanswered": lambda facts, message, now: facts.automatic_since_spoken >= MOST_UNANSWERED,
}

ORDER: Mapping[str, tuple[str, ...]] = {
    "person": ("opted_out", "window"),
    "notice": ("stop_switch", "opted_out", "user_owns", "window"),
    "reply": ("stop_switch", "opted_out", "user_owns", "not_ai", "restored", "window", "too_old", "loop", "stale"),
    "proactive": (
        "stop_switch", "opted_out", "user_owns", "restored", "window", "quiet_hours", "frequency", "rule_cap", "same_text",
        "unanswered",
    ),
}  # fmt: skip
"""Guards by class, in the order they are asked."""

_REPLY_ENDS = {"opted_out": "silent", "user_owns": "silent", "stale": "stale"}


def check(purpose: str, facts: Facts, now: datetime, message: Outgoing | None = None) -> Block | None:
    """The first guard of the class `purpose` that stops a message now, or None: it may go.

    `purpose` is one of person, notice, reply, proactive; another one is a programming error (KeyError).
    """
    about = message or Outgoing()
    for guard in ORDER[purpose]:
        if _GUARDS[guard](facts, about, now):
            return _block(purpose, guard, facts, about, now)
    return None


def _block(purpose: str, guard: str, facts: Facts, message: Outgoing, now: datetime) -> Block:
    if purpose == "person":
        return Block(guard, "refuse")
    if purpose == "notice":
        return Block(guard, "skip")
    if purpose == "reply":
        return Block(guard, _REPLY_ENDS.get(guard, "hand_over"))
    if guard == "quiet_hours":
        return Block(guard, "defer", facts.business.quiet_ends(now))
    if guard == "frequency":
        return Block(guard, "defer", now + timedelta(hours=6))
    if guard == "rule_cap":
        return Block(guard, "defer", message.capped_until)
    return Block(guard, "skip")
