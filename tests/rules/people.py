"""Customers, conversations and messages as rows, for the tests of the rules."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select

from leadkeeper.config import Settings
from leadkeeper.crm import contacts, conversations, leads
from leadkeeper.crm import messages as sent
from leadkeeper.rules import book, word_rows
from leadkeeper.rules.facts import Facts, Reach
from leadkeeper.rules.gather import Ask, gather
from leadkeeper.store.schema import channel_accounts, inbound_events, messages
from leadkeeper.store.schema import conversations as conversations_table

NOON = datetime(2027, 3, 10, 12, 0, tzinfo=UTC)
"""A Wednesday, inside business hours in UTC."""

SETTINGS = Settings(_env_file=None)
REACH = {"whatsapp": Reach(timedelta(hours=24), templates=True), "webchat": Reach(None, templates=False)}


@dataclass(frozen=True)
class Customer:
    """One customer's rows."""

    account_id: int
    contact_id: int
    lead_id: int
    conversation_id: int


def customer(conn: Connection, *, channel: str = "webchat", name: str | None = "Ravi Kumar", **conversation: Any) -> Customer:
    """A customer with a lead and an open conversation."""
    account_id = _account(conn, channel)
    contact_id = contacts.create(conn, name=name)
    lead_id = leads.for_contact(conn, contact_id, channel)
    conversation_id, _ = conversations.open_one(
        conn, contact_id=contact_id, account_id=account_id, lead_id=lead_id, address=f"visitor-{contact_id}", language="en"
    )
    if conversation:
        conn.execute(conversations_table.update().where(conversations_table.c.id == conversation_id).values(**conversation))
    return Customer(account_id, contact_id, lead_id, conversation_id)


def writes(conn: Connection, who: Customer, text: str, at: datetime = NOON, *, kind: str = "text", media: Any = None) -> int:
    """The customer writes; returns the event's id."""
    number = len(conn.execute(select(inbound_events.c.id)).fetchall())
    external_id = f"{who.contact_id}-{number}"
    event = {
        "account_id": who.account_id, "external_id": external_id, "kind": "message", "sender": f"visitor-{who.contact_id}",
        "payload": {}, "occurred_at": at, "received_at": at,
    }  # fmt: skip
    event_id = int(conn.execute(insert(inbound_events).values(**event).returning(inbound_events.c.id)).scalar_one())
    row = {
        "conversation_id": who.conversation_id, "account_id": who.account_id, "event_id": event_id, "external_id": external_id,
        "kind": kind, "body": text, "media": media, "occurred_at": at,
    }  # fmt: skip
    sent.store_inbound(conn, row)
    conversations.received(conn, who.conversation_id, at, text, None)
    return event_id


def said(conn: Connection, who: Customer, text: str, at: datetime = NOON, *, author: str = "ai", **more: Any) -> int:
    """We have written to the customer."""
    row: dict[str, Any] = {
        "conversation_id": who.conversation_id, "account_id": who.account_id, "direction": "out", "kind": "text",
        "author": author,
        "purpose": "person" if author == "person" else "reply", "body": text, "state": "accepted", "occurred_at": at,
        "created_at": at, **more,
    }  # fmt: skip
    return int(conn.execute(insert(messages).values(**row).returning(messages.c.id)).scalar_one())


def facts_of(conn: Connection, who: Customer, event_id: int | None, now: datetime = NOON, **more: Any) -> Facts:
    """The facts of a message; `more` goes to `gather`, or says more of what is asked."""
    asked = {name: more.pop(name) for name in ("lead_id", "without_message") if name in more}
    return gather(conn, Ask(who.conversation_id, event_id, **asked), now, SETTINGS, reach=REACH, **more)


def seeded(conn: Connection) -> None:
    """A new database's rules and words."""
    book.seed_first(conn)
    word_rows.seed(conn)


def _account(conn: Connection, channel: str) -> int:
    found = conn.execute(select(channel_accounts.c.id).where(channel_accounts.c.channel == channel)).scalar_one_or_none()
    if found is not None:
        return int(found)
    row = {"channel": channel, "external_id": channel, "name": channel, "config": {}, "created_at": NOON}
    return int(conn.execute(insert(channel_accounts).values(**row).returning(channel_accounts.c.id)).scalar_one())
