"""What sets a rule off: the triggers, their parameters, when they hold, and what names one occasion.

An *episode* is what makes two firings of a rule the same: the state its trigger stands on. A rule
fires once per episode whatever its version, so an edit never sends again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from leadkeeper.rules.facts import Facts


class TriggerParams(BaseModel):
    """Base of every trigger's parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True, strict=True)


class NoParams(TriggerParams):
    """The trigger needs nothing said."""


class Hours(TriggerParams):
    """How long the silence must last."""

    hours: int = Field(ge=1, le=24 * 60)


class FollowUp(TriggerParams):
    """`silent_days`: also leads without a follow-up date, once nothing was said for so many days."""

    silent_days: int | None = Field(None, ge=1, le=365)


class Approaching(TriggerParams):
    """Days before an expiry (negative: after it) and how many days late it may still be done.

    Never before its day. `kinds` empty: every kind of expiry.
    """

    days: int = Field(ge=-365, le=365)
    kinds: tuple[str, ...] = Field((), max_length=50, strict=False)
    catch_up_days: int = Field(2, ge=0, le=30)


@dataclass(frozen=True, slots=True)
class Kind:
    """One trigger. `holds` is asked anew at the moment of firing; `stamp` names the occasion."""

    name: str
    params: type[TriggerParams]
    holds: Callable[[Facts, TriggerParams, datetime], bool]
    stamp: Callable[[Facts, TriggerParams], str]
    inbound: bool = False


def _silent(moment: datetime | None, params: TriggerParams, now: datetime) -> bool:
    return moment is not None and isinstance(params, Hours) and moment <= now - timedelta(hours=params.hours)


def _customer_silent(facts: Facts, params: TriggerParams, now: datetime) -> bool:
    wrote, answered = facts.last_inbound_at, facts.last_outbound_at
    return wrote is not None and answered is not None and answered > wrote and _silent(answered, params, now)


def _follow_up_due(facts: Facts, params: TriggerParams, now: datetime) -> bool:
    if facts.next_follow_up_at is not None:
        return facts.next_follow_up_at <= now
    days = params.silent_days if isinstance(params, FollowUp) else None
    spoken = last_spoken(facts)
    return days is not None and spoken is not None and spoken <= now - timedelta(days=days)


def _expires(facts: Facts, params: TriggerParams, now: datetime) -> bool:
    left = facts.at(now).expiry_days
    if left is None or not isinstance(params, Approaching):
        return False
    if params.kinds and facts.expiry_kind not in params.kinds:
        return False
    return lowest_day(params) <= left <= params.days


def lowest_day(params: Approaching) -> int:
    """The fewest days left at which a reminder may still be done: a reminder of before never comes after."""
    lowest = params.days - params.catch_up_days
    return max(lowest, 0) if params.days >= 0 else lowest


def last_spoken(facts: Facts) -> datetime | None:
    """When anything was last said in the conversation, by either side."""
    return max((moment for moment in (facts.last_inbound_at, facts.last_outbound_at) if moment), default=None)


def _stamp(moment: datetime | None) -> str:
    return moment.isoformat() if moment else "never"


def _follow_up_stamp(facts: Facts, params: TriggerParams) -> str:
    if facts.next_follow_up_at is not None:
        return f"lead:{facts.lead_id}:{_stamp(facts.next_follow_up_at)}"
    return f"lead:{facts.lead_id}:silent:{_stamp(last_spoken(facts))}"


def _expiry_stamp(facts: Facts, params: TriggerParams) -> str:
    return f"lead:{facts.lead_id}:{facts.expiry_kind}:{facts.expires_on}:{getattr(params, 'days', '')}"


_KINDS = (
    Kind("message.received", NoParams, lambda f, p, n: f.event_id is not None, lambda f, p: f"event:{f.event_id}", inbound=True),
    Kind("followup.due", FollowUp, _follow_up_due, _follow_up_stamp),
    Kind(
        "team.silent", Hours, lambda f, p, n: _silent(f.unanswered_since, p, n),
        lambda f, p: f"conversation:{f.conversation_id}:{_stamp(f.unanswered_since)}",
    ),
    Kind(
        "customer.silent", Hours, _customer_silent,
        lambda f, p: f"conversation:{f.conversation_id}:{_stamp(f.last_inbound_at)}",
    ),
    Kind("date.approaching", Approaching, _expires, _expiry_stamp),
)  # fmt: skip

TRIGGERS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _KINDS})
SCHEDULED = tuple(kind.name for kind in _KINDS if not kind.inbound)
