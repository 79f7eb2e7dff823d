"""The facts a decision is taken from: one frozen snapshot.

Nothing below changes after it is read, so the same facts always give the same decision: live, in a
dry run and in a trial on past conversations. Times are aware UTC; counts name their stretch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from leadkeeper.rules.business import DAYS, Business

Words = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reach:
    """What a channel allows, in plain values (rules do not know channels).

    `window` is how long after the customer's last message free text may go; None: always.
    """

    window: timedelta | None = None
    templates: bool = False


CLOSED = Reach(window=timedelta(0))
"""A channel nobody described: nothing may be sent."""


@dataclass(frozen=True, slots=True)
class History:
    """What one rule did before: for this conversation, and altogether in the last hour."""

    last_fired_at: datetime | None = None
    capped_until: datetime | None = None
    """its firings of the last hour have reached its cap; until then none is free"""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything known at `now` about one message or one due thing, and where it stands."""

    now: datetime
    trigger: str = "message.received"
    business: Business = field(default_factory=Business)
    reach: Reach = CLOSED
    channel: str = ""
    account_id: int = 0
    conversation_id: int = 0
    contact_id: int = 0
    lead_id: int = 0
    # the message
    event_id: int | None = None
    message_id: int | None = None
    kind: str = ""
    text: str = ""
    answerable: bool = False
    occurred_at: datetime | None = None
    words: Words = field(default_factory=dict)
    """word lists the message touches, each with the phrase found"""
    # the conversation
    owner: str = "ai"
    owner_id: int | None = None
    revision: int = 0
    language: str = "en"
    pending_question: str | None = None
    spoken: bool = False
    """we have written in this conversation before, by machine or by hand"""
    unanswered_since: datetime | None = None
    last_inbound_at: datetime | None = None
    last_outbound_at: datetime | None = None
    last_person_at: datetime | None = None
    # the contact
    name: str | None = None
    nationality: str | None = None
    company: str | None = None
    opted_out: bool = False
    # the lead
    stage: str = "new"
    score: int = 0
    source: str = ""
    service: str | None = None
    service_text: str | None = None
    lead_owner_id: int | None = None
    autopilot: bool = True
    lead_created_at: datetime | None = None
    next_follow_up_at: datetime | None = None
    expiry_kind: str | None = None
    expires_on: date | None = None
    # what we sent by ourselves
    automatic_last_hour: int = 0
    proactive_last_day: int = 0
    automatic_since_spoken: int = 0
    recent_texts: frozenset[str] = frozenset()
    """normalised texts of automatic messages of the last seven days"""
    history: Mapping[int, History] = field(default_factory=dict)

    @property
    def message_age(self) -> timedelta:
        """How old the message was, by the provider's time, when these facts were read."""
        return self.now - self.occurred_at if self.occurred_at else timedelta(0)

    @property
    def closes_at(self) -> datetime | None:
        """When the channel's window closes; None where the channel has none, or the customer never wrote."""
        if self.reach.window is None or self.last_inbound_at is None:
            return None
        return self.last_inbound_at + self.reach.window

    @property
    def window_open(self) -> bool:
        """True when free text may be sent now."""
        closes = self.closes_at
        return self.reach.window is None or (closes is not None and self.now < closes)

    @property
    def hours_to_close(self) -> float | None:
        """Hours until the window closes, 0 once it has; None where the channel has none."""
        if self.reach.window is None:
            return None
        closes = self.closes_at
        return max(0.0, (closes - self.now).total_seconds() / 3600) if closes else 0.0

    @property
    def expiry_days(self) -> int | None:
        """Whole days until the expiry on the business's calendar; negative once it is past."""
        return (self.expires_on - self.business.local(self.now).date()).days if self.expires_on else None

    @property
    def today(self) -> date:
        """The date on the business's calendar."""
        return self.business.local(self.now).date()

    @property
    def weekday(self) -> str:
        """mon, tue, ... on the business's calendar."""
        return DAYS[self.business.local(self.now).weekday()]

    def at(self, now: datetime) -> "Facts":
        """The same facts read at another moment."""
        return self if now == self.now else replace(self, now=now)

    def hours_since(self, moment: datetime | None) -> float | None:
        """Hours from `moment` to now; None when it never was."""
        return (self.now - moment).total_seconds() / 3600 if moment else None
