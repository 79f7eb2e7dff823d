"""Customers' messages into the books: stored, learned from, their decisions opened, and queued to be decided. Many at once."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.ai import language as languages
from leadkeeper.ai.extraction import extract
from leadkeeper.channels.base import Inbound
from leadkeeper.crashpoints import point
from leadkeeper.crm import conversations, decisions, inbound, leads, reception
from leadkeeper.crm.reception import Heard, Place, Sender
from leadkeeper.jobs import fetch_media, test_message
from leadkeeper.jobs.context import JobContext
from leadkeeper.queue.enqueue import enqueue_all
from leadkeeper.queue.jobs import Job, Lane
from leadkeeper.rules import words
from leadkeeper.store.prepared import Row

OF_OTHERS = ("location", "contacts")
"""Kinds whose text names a place or other people, not their sender."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """An event, and what its channel reads in it."""

    ctx: JobContext
    event: Row
    parsed: Inbound


@dataclass(frozen=True, slots=True)
class _Stored:
    """A message in its place; `language` None: not known."""

    arrived: Arrived
    sender: Sender
    place: Place
    language: str | None
    message_id: int


def receive(conn: Connection, arrived: Sequence[Arrived]) -> list[Arrived]:
    """Store messages and have them decided; returns those that were new. One that is stored already is left as it is."""
    if not arrived:
        return []
    new = _store(conn, arrived)
    _learn(conn, new)
    reception.heard(conn, [_heard(each) for each in new])
    opened = [(each.arrived.event.id, each.message_id, each.place.conversation_id) for each in new]
    decisions.open_all(conn, opened)
    point("inbound.decision_open")
    enqueue_all(conn, [_deciding(each.arrived.event) for each in new])
    point("inbound.decide_enqueued")
    for each in new:
        media = each.arrived.parsed.media
        if media is not None and media.provider_id is not None:
            fetch_media.ask(conn, each.message_id, each.arrived.event.account_id)
    return [each.arrived for each in new]


def _store(conn: Connection, arrived: Sequence[Arrived]) -> list[_Stored]:
    spoken = [languages.detect(each.parsed.text, "") or None for each in arrived]
    senders = [_sender(conn, each, language) for each, language in zip(arrived, spoken, strict=True)]
    places = reception.places(conn, senders)
    point("inbound.conversation_open")
    ids = reception.store(conn, [_row(each, place) for each, place in zip(arrived, places, strict=True)])
    point("inbound.message_stored")
    return [
        _Stored(each, sender, place, language, message_id)
        for each, sender, place, language in zip(arrived, senders, places, spoken, strict=True)
        if (message_id := ids.pop(each.event.id, None)) is not None  # one event twice among these is one message
    ]


def _learn(conn: Connection, stored: Sequence[_Stored]) -> None:
    """What each message says of its writer, into contact and lead."""
    told = [each for each in stored if _speaks_of_its_writer(each)]
    older = conversations.by_id(conn, [each.place.conversation_id for each in told if not each.place.new])
    lexicon, today = words.current(conn), clock.now().date()
    for each in told:
        parsed, place = each.arrived.parsed, each.place
        asked = None if place.new else older[place.conversation_id].pending_question
        found = extract(parsed.text, lexicon, asked, today).fields()
        if parsed.phone:  # the provider vouches for theirs: another number in the text may be anybody's
            found.pop("phone", None)
        leads.merge(conn, place.contact_id, place.lead_id, found)


def _speaks_of_its_writer(stored: _Stored) -> bool:
    parsed = stored.arrived.parsed
    return bool(parsed.text) and stored.sender.lead is None and parsed.kind not in OF_OTHERS


def _sender(conn: Connection, arrived: Arrived, language: str | None) -> Sender:
    event, parsed = arrived.event, arrived.parsed
    named = test_message.lead_of(event)
    lead = leads.get(conn, named) if named is not None else None
    return Sender(
        account_id=event.account_id,
        channel=event.channel,
        ids=[(identity.external_id, identity.kind) for identity in parsed.identities] or [(event.sender, "unknown")],
        known={"name": parsed.name, "phone": parsed.phone, "email": parsed.email},
        referral=parsed.referral,
        language=language or "en",
        lead=(lead.contact_id, lead.id) if lead is not None else None,
    )


def _row(arrived: Arrived, place: Place) -> dict[str, object]:
    event, parsed = arrived.event, arrived.parsed
    return {
        "conversation_id": place.conversation_id,
        "account_id": event.account_id,
        "event_id": event.id,
        "external_id": event.external_id,
        "kind": parsed.kind,
        "body": parsed.text,
        "media": fetch_media.media_of(parsed),
        "reply_to": parsed.reply_to,
        "occurred_at": event.occurred_at,
    }


def _heard(stored: _Stored) -> Heard:
    parsed = stored.arrived.parsed
    preview = parsed.text or f"[{parsed.kind}]"
    return Heard(stored.place.conversation_id, stored.arrived.event.occurred_at, preview, stored.language)


def _deciding(event: Row) -> Job:
    key = inbound.in_key(event.account_id, event.sender)
    return Job("decide", {"eventId": event.id}, key=key, priority=Lane.INBOUND)
