"""Reading the facts of many messages, or many due things, at once: two statements, however many there are.

A contact with several open threads, and triggers that send by themselves, cost one more each. The
settings and the word lists are read once a transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from leadkeeper.config import Settings
from leadkeeper.errors import NotFound
from leadkeeper.rules import business, counts, words
from leadkeeper.rules.business import Business
from leadkeeper.rules.counts import Counts
from leadkeeper.rules.facts import CLOSED, Facts, Reach
from leadkeeper.store.given import NUMBER, Given
from leadkeeper.store.prepared import Prepared, Row
from leadkeeper.store.schema import channel_accounts, contacts, conversations, expiries, leads, messages

UNREADABLE = ("reaction", "sticker", "location", "contacts", "order", "unsupported", "unknown", "edit", "revoke")
"""Kinds of message whose text, if any, is our own description and not a question."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Whose facts are asked for.

    `without_message` leaves out the message that is about to be sent, so that it does not count
    against itself; `lead_id` names a lead of the contact other than the conversation's.
    """

    conversation_id: int
    event_id: int | None = None
    lead_id: int | None = None
    expiry_id: int | None = None
    without_message: int | None = None


def gather(
    conn: Connection,
    asked: Ask,
    now: datetime,
    settings: Settings,
    *,
    reach: Mapping[str, Reach],
    trigger: str = "message.received",
    answerable: bool | None = None,
) -> Facts:
    """The facts of one; see `gather_all`."""
    return gather_all(conn, [asked], now, settings, reach=reach, trigger=trigger, answerable=answerable)[0]


def gather_all(
    conn: Connection,
    asked: Sequence[Ask],
    now: datetime,
    settings: Settings,
    *,
    reach: Mapping[str, Reach],
    trigger: str = "message.received",
    answerable: bool | None = None,
) -> list[Facts]:
    """The facts of each, in order.

    `reach` is what each channel allows by the channel's name; a channel missing there may not be
    written to. Raises NotFound when there is no such conversation.
    """
    about = business.read(conn, settings)
    rows = _subjects(conn, asked)
    threads = [(each.conversation_id, each.without_message) for each in asked]
    sent = counts.read_all(conn, threads, rows, now, texts=trigger != "message.received")
    lexicon = words.load(conn, about.lexicon_version)
    return [
        _facts(row, each, about, counted, lexicon, now, reach, trigger, answerable)
        for each, row, counted in zip(asked, rows, sent, strict=True)
    ]


def _facts(
    row: Row,
    asked: Ask,
    about: Business,
    sent: Counts,
    lexicon: words.Lexicon,
    now: datetime,
    reach: Mapping[str, Reach],
    trigger: str,
    answerable: bool | None,
) -> Facts:
    body = row.body or ""
    return Facts(
        now=now,
        trigger=trigger,
        business=about,
        reach=reach.get(row.channel, CLOSED),
        event_id=asked.event_id,
        answerable=_readable(row, body) if answerable is None else answerable,
        text=body,
        kind=row.kind or "",
        words=lexicon.lists_in(body) if body else {},
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
_ASKED = Given("asked", place=NUMBER, conversation=NUMBER, event=NUMBER, lead=NUMBER, expiry=NUMBER)


def _subject_statement(dialect: str) -> Select[Any]:
    """Conversation, contact, lead, account, message and expiry of each in one row."""
    asked = _ASKED.table(dialect)
    columns = [column.label(name) for name, column in {**_SUBJECT, **_MESSAGE, **_EXPIRY}.items()]
    told = (messages.c.body, messages.c.kind, messages.c.media, contacts.c.opted_out_at)
    return (
        select(asked.c.place, *columns, *told, counts.threads_of_contact().label("threads"))
        .select_from(asked)
        .join(conversations, conversations.c.id == asked.c.conversation)
        .join(contacts, contacts.c.id == conversations.c.contact_id)
        .join(leads, leads.c.id == func.coalesce(asked.c.lead, conversations.c.lead_id))
        .join(channel_accounts, channel_accounts.c.id == conversations.c.account_id)
        .outerjoin(messages, messages.c.event_id == asked.c.event)
        .outerjoin(expiries, expiries.c.id == asked.c.expiry)
    )


_SUBJECTS = Prepared(_subject_statement)


def _subjects(conn: Connection, asked: Sequence[Ask]) -> list[Row]:
    """The row of each, in the order asked."""
    given = [(place, each.conversation_id, each.event_id, each.lead_id, each.expiry_id) for place, each in enumerate(asked)]
    found = {row.place: row for row in _SUBJECTS.all(conn, **_ASKED.values(conn.dialect.name, given))}
    for place, each in enumerate(asked):
        if place not in found:
            raise NotFound(f"there is no conversation {each.conversation_id}")
    return [found[place] for place in range(len(asked))]
