"""One stored event becomes what it means: a message of a conversation with its decision open, or a change of an older one.

Runs in the order the customer wrote (key `in:<account>:<sender>`), never waits, and decides nothing.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.ai import language as languages
from leadkeeper.ai.extraction import extract
from leadkeeper.channels.base import Inbound, channels
from leadkeeper.crashpoints import point
from leadkeeper.crm import contacts, conversations, decisions, inbound, leads, messages
from leadkeeper.jobs import echoes, fetch_media, later_changes, test_message, undone
from leadkeeper.jobs.context import JobContext
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.handlers import job
from leadkeeper.queue.jobs import Job, Lane
from leadkeeper.queue.outcomes import Done, Fail, Outcome
from leadkeeper.rules import words
from leadkeeper.store.prepared import Row

NOT_MESSAGES: Mapping[str, Callable[[Connection, JobContext, Row, Inbound], None]] = {
    "echo": echoes.echo,
    "edit": later_changes.edit,
    "revoke": later_changes.revoke,
    "reaction": later_changes.react,
    "moved": later_changes.move,
    "preferences": later_changes.prefer,
    "nameless": undone.hand_over_nameless,
    "notice": later_changes.notice,
}

LATE = timedelta(seconds=5)
"""A message this old on arrival was delivered again: what became of it since may have come before it."""

OF_OTHERS = ("location", "contacts")
"""Kinds whose text names a place or other people, not their sender."""


@job("inbound_message", at_once=True, when_failed=undone.hand_over_event, when_redriven=undone.reopen_event)
def inbound_message(
    conn: Connection,
    ctx: JobContext,
    event_id: int | None = None,
    lead_id: int | None = None,
    message: dict[str, Any] | None = None,
) -> Outcome:
    """Work off one event; `leadId` with `message` stores one of the built-in test account first."""
    if event_id is None:
        if lead_id is None:
            return Fail("bad data for inbound_message: eventId or leadId is needed")
        event_id = test_message.store(conn, ctx.job.id, lead_id, message or {})
    event = inbound.event(conn, event_id)
    parsed = channels.get(event.channel).parse(event.kind, event.payload)
    point("inbound.read")
    act = NOT_MESSAGES.get(parsed.kind)
    if act is not None:
        act(conn, ctx, event, parsed)
    elif _receive(conn, ctx, event, parsed):
        key = inbound.in_key(event.account_id, event.sender)
        enqueue(conn, Job("decide", {"eventId": event_id}, key=key, priority=Lane.INBOUND))
        point("inbound.decide_enqueued")
    return Done()


def _receive(conn: Connection, ctx: JobContext, event: Row, parsed: Inbound) -> bool:
    """Store a customer's message and open its decision; False when it is stored already."""
    contact_id, lead_id, lead_given = _who(conn, event, parsed)
    point("inbound.sender_known")
    language = languages.detect(parsed.text, "") or None
    address = parsed.identities[0].external_id if parsed.identities else event.sender
    conversation_id, new = conversations.open_one(
        conn, contact_id=contact_id, account_id=event.account_id, lead_id=lead_id, address=address, language=language or "en"
    )
    point("inbound.conversation_open")
    message_id = messages.store_inbound(conn, _row(event, parsed, conversation_id))
    if message_id is None:
        return False
    point("inbound.message_stored")
    if parsed.text and not lead_given and parsed.kind not in OF_OTHERS:
        asked = None if new else conversations.get(conn, conversation_id).pending_question
        found = extract(parsed.text, words.current(conn), asked, clock.now().date()).fields()
        if parsed.phone:  # the provider vouches for theirs: another number in the text may be anybody's
            found.pop("phone", None)
        leads.merge(conn, contact_id, lead_id, found)
    preview = parsed.text or f"[{parsed.kind}]"
    conversations.received(conn, conversation_id, event.occurred_at, preview, language)
    decisions.open_for(conn, event.id, message_id, conversation_id)
    point("inbound.decision_open")
    if parsed.media is not None and parsed.media.provider_id is not None:
        fetch_media.ask(conn, message_id, event.account_id)
    if event.received_at - event.occurred_at > LATE:
        _catch_up(conn, ctx, event)
    return True


def _catch_up(conn: Connection, ctx: JobContext, event: Row) -> None:
    """Do now what the customer has changed of this message before it came: providers keep no order."""
    for change in inbound.changes_before(conn, event):
        parsed = channels.get(event.channel).parse(change.kind, change.payload)
        if parsed.target == event.external_id:
            NOT_MESSAGES[parsed.kind](conn, ctx, change, parsed)


def _who(conn: Connection, event: Row, parsed: Inbound) -> tuple[int, int, bool]:
    """(contact, lead, whether the lead was named): made when this customer is new."""
    named = test_message.lead_of(event)
    if named is not None:
        lead = leads.get(conn, named)
        return lead.contact_id, lead.id, True
    ids = [(identity.external_id, identity.kind) for identity in parsed.identities] or [(event.sender, "unknown")]
    known = {"name": parsed.name, "phone": parsed.phone, "email": parsed.email}
    contact_id = contacts.resolve(conn, event.account_id, ids, known)
    return contact_id, leads.for_contact(conn, contact_id, event.channel, parsed.referral), False


def _row(event: Row, parsed: Inbound, conversation_id: int) -> dict[str, Any]:
    return {
        "conversation_id": conversation_id,
        "account_id": event.account_id,
        "event_id": event.id,
        "external_id": event.external_id,
        "kind": parsed.kind,
        "body": parsed.text,
        "media": fetch_media.media_of(parsed),
        "reply_to": parsed.reply_to,
        "occurred_at": event.occurred_at,
    }
