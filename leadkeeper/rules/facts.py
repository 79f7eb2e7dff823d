"""The facts a decision is taken from: one frozen snapshot, read in three statements.

Nothing below changes after it is read, so the same facts always give the same decision: live, in a
dry run and in a trial on past conversations. Times are aware UTC; counts name their stretch.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select

from leadkeeper.config import Settings
from leadkeeper.errors import NotFound
from leadkeeper.rules import business, counts, words
from leadkeeper.rules.business import DAYS, Business
from leadkeeper.store.prepared import Prepared, Row
from leadkeeper.store.schema import channel_accounts, contacts, conversations, expiries, leads, messages
from leadkeeper.store.types import Id

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


UNREADABLE = ("reaction", "sticker", "location", "contacts", "order", "unsupported", "unknown", "edit", "revoke")
"""Kinds of message whose text, if any, is our own description and not a question."""


def gather(
    conn: Connection,
    conversation_id: int,
    event_id: int | None,
    now: datetime,
    settings: Settings,
    *,
    reach: Mapping[str, Reach],
    trigger: str = "message.received",
    answerable: bool | None = None,
    lead_id: int | None = None,
    expiry_id: int | None = None,
    without_message: int | None = None,
) -> Facts:
    """Read the facts of one event, or of one due thing, of a conversation.

    Three statements; a contact with several open threads, and triggers that send by themselves, cost
    one more each. `reach` is what each channel allows by the channel's name; a channel missing there
    may not be written to. `without_message` leaves out the message that is about to be sent, so that
    it does not count against itself; `lead_id` names a lead of the contact other than the conversation's.
    Raises NotFound when there is no such conversation.
    """
    row = _subject(conn, conversation_id, event_id, lead_id, expiry_id)
    about = business.read(conn, settings)
    sent = counts.read(conn, row, now, without_message, texts=trigger != "message.received")
    body = row.body or ""
    lexicon = words.load(conn, about.lexicon_version) if body else None
    readable = _readable(row, body) if answerable is None else answerable
    return Facts(
        now=now,
        trigger=trigger,
        business=about,
        reach=reach.get(row.channel, CLOSED),
        event_id=event_id,
        answerable=readable,
        text=body,
        kind=row.kind or "",
        words=lexicon.lists_in(body) if lexicon else {},
        opted_out=row.opted_out_at is not None,
        automatic_last_hour=sent.automatic_last_hour,
        proactive_last_day=sent.proactive_last_day,
        automatic_since_spoken=sent.automatic_since_spoken,
        spoken=sent.spoken,
        recent_texts=sent.recent_texts,
        **{name: getattr(row, name) for name in _STRAIGHT},
    )


def _readable(row: Row, body: str) -> bool:
    """The channel's own word (kept with the message), else: it has a text of the customer's."""
    told = row.media.get("answerable") if isinstance(row.media, dict) else None
    return bool(body.strip()) and row.kind not in UNREADABLE and told is not False


_SUBJECT = {
    "channel": channel_accounts.c.channel,
    "account_id": conversations.c.account_id,
    "conversation_id": conversations.c.id,
    "contact_id": conversations.c.contact_id,
    "lead_id": leads.c.id,
    "name": contacts.c.name,
    "nationality": contacts.c.nationality,
    "company": contacts.c.company,
    "lead_owner_id": leads.c.owner_id,
    "lead_created_at": leads.c.created_at,
    **{name: leads.c[name] for name in ("stage", "score", "source", "service", "service_text", "autopilot", "next_follow_up_at")},
    **{
        name: conversations.c[name]
        for name in (
            "owner", "owner_id", "revision", "language", "pending_question", "unanswered_since",
            "last_inbound_at", "last_outbound_at", "last_person_at",
        )
    },
}  # fmt: skip
_MESSAGE = {"message_id": messages.c.id, "occurred_at": messages.c.occurred_at}
_EXPIRY = {"expiry_kind": expiries.c.kind, "expires_on": expiries.c.expires_on}
_STRAIGHT = (*_SUBJECT, *_MESSAGE, *_EXPIRY)


def _subject_statement() -> Select[Any]:
    """Conversation, contact, lead, account, message and expiry in one row; built once, it is asked per message."""
    columns = [column.label(name) for name, column in {**_SUBJECT, **_MESSAGE, **_EXPIRY}.items()]
    told = (messages.c.body, messages.c.kind, messages.c.media, contacts.c.opted_out_at)
    return (
        select(*columns, *told, counts.threads_of_contact().label("threads"))
        .select_from(conversations)
        .join(contacts, contacts.c.id == conversations.c.contact_id)
        .join(leads, leads.c.id == func.coalesce(bindparam("lead", type_=Id), conversations.c.lead_id))
        .join(channel_accounts, channel_accounts.c.id == conversations.c.account_id)
        .outerjoin(messages, messages.c.event_id == bindparam("event"))
        .outerjoin(expiries, expiries.c.id == bindparam("expiry"))
        .where(conversations.c.id == bindparam("conversation"))
    )


_SUBJECT_ROW = Prepared(_subject_statement())


def _subject(conn: Connection, conversation_id: int, event_id: int | None, lead_id: int | None, expiry_id: int | None) -> Any:
    given = {"conversation": conversation_id, "event": event_id, "lead": lead_id, "expiry": expiry_id}
    row = _SUBJECT_ROW.first(conn, **given)
    if row is None:
        raise NotFound(f"there is no conversation {conversation_id}")
    return row
