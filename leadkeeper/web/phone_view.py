"""What the phone on the screen shows, and beside it what the product did: read from the rows, never from memory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, select

from leadkeeper.crm import inbound
from leadkeeper.crm.spoken import Spoken
from leadkeeper.example import business, samples
from leadkeeper.example.business import Person
from leadkeeper.jobs import conversation
from leadkeeper.store.schema import conversations, documents, identities, inbound_events, jobs, messages, passages

MOST = 40
"""Messages shown on the phone."""
REACHED = ("accepted", "sent", "delivered", "read")
"""Send states of a message that is on the customer's phone."""
PEOPLE = (0, 1, 5, 4, 9, 8)
"""Which of the example's people may be played, by their place: English and Arabic in turns."""


@dataclass(frozen=True, slots=True)
class Bubble:
    """One message on the phone. `ticks` on the customer's own: 1 arrived at us, 2 worked off."""

    id: str
    mine: bool
    text: str
    at: datetime
    ticks: int = 0


@dataclass(frozen=True, slots=True)
class Happened:
    """What became of one message of the customer. `answers` are the messages it was told with."""

    message: Spoken
    answer: Spoken | None
    sources: Sequence[Mapping[str, Any]]
    job_id: int | None


@dataclass(frozen=True, slots=True)
class PhoneView:
    """The page. Before the first message there is no account and nothing has been said."""

    players: Sequence[Person]
    person: Person
    bubbles: Sequence[Bubble] = ()
    happened: Sequence[Happened] = ()
    conversation: Any = None
    typing: bool = False
    taught: bool = False
    business_name: str = ""
    samples: Mapping[str, str] = field(default_factory=dict)


def people() -> list[Person]:
    """Who may be played."""
    everybody = business.people()
    return [everybody[place] for place in PEOPLE]


def read(conn: Connection, account_id: int | None, wa_id: str, business_name: str) -> PhoneView:
    """The phone of one invented customer; the first of them when `wa_id` names nobody."""
    known = people()
    person = next((one for one in known if one.wa_id == wa_id), known[0])
    taught = conn.execute(select(documents.c.id).limit(1)).first() is not None
    offered = suggestions(conn, person.language)
    if account_id is None:
        return PhoneView(known, person, taught=taught, samples=offered)
    found = conversation_of(conn, account_id, person.wa_id)
    if found is None:
        waiting = _arriving(conn, account_id, person.wa_id)
        return PhoneView(
            known, person, waiting, typing=bool(waiting), taught=taught, business_name=business_name, samples=offered
        )
    thread = conversation.thread(conn, found, limit=MOST)
    open_ones = [each for each in thread.messages if each.decision is not None and each.decision.outcome is None]
    bubbles = [*_bubbles(thread.messages), *_arriving(conn, account_id, person.wa_id)]
    waits = bool(open_ones) and thread.conversation.owner == "ai"
    return PhoneView(
        known, person, bubbles, _happened(conn, thread, account_id, person.wa_id), thread.conversation, waits,
        taught, business_name, offered,
    )  # fmt: skip


def suggestions(conn: Connection, language: str) -> Mapping[str, str]:
    """A question for each end: one the documents answer, one they do not, one that asks for a person.

    Of a business's own documents the first question and answer entry is taken; of the example a sample.
    """
    told = {name: samples.of(language, name)[0].text for name in ("answer", "handover", "person")}
    entries = select(passages.c.question).where(passages.c.kind == "qa", passages.c.language == language)
    own = conn.execute(entries.order_by(passages.c.id).limit(200)).scalars().all()
    known = {new.content for new in business.documents()}
    example_here = any(content in known for content in conn.execute(select(documents.c.content)).scalars())
    if own and not example_here:
        told["answer"] = str(own[0])
    return told


def _bubbles(spoken: Sequence[Spoken]) -> list[Bubble]:
    shown = []
    for each in spoken:
        if each.direction == "in":
            done = each.decision is not None and each.decision.outcome is not None
            shown.append(Bubble(f"m{each.id}", True, each.body, each.occurred_at, 2 if done else 1))
        elif each.state in REACHED:
            shown.append(Bubble(f"m{each.id}", False, each.body, each.state_at or each.created_at))
    return shown


def _happened(conn: Connection, thread: conversation.Thread, account_id: int, wa_id: str) -> list[Happened]:
    """The newest first."""
    by_id = {each.id: each for each in thread.messages}
    by_event = _jobs_of(conn, account_id, wa_id)
    told = []
    for each in reversed([one for one in thread.messages if one.direction == "in"]):
        answer = by_id.get(each.decision.answer_id or 0) if each.decision is not None else None
        sources = thread.sources.get(answer.draft_id, ()) if answer is not None and answer.draft_id is not None else ()
        told.append(Happened(each, answer, sources, by_event.get(each.event_id or 0)))
    return told


def _jobs_of(conn: Connection, account_id: int, wa_id: str) -> dict[int, int]:
    """The job each event was worked off by; finished jobs are purged after a week."""
    query = select(jobs.c.id, jobs.c.data).where(jobs.c.key == inbound.in_key(account_id, wa_id), jobs.c.type == "decide")
    return {row.data["eventId"]: int(row.id) for row in conn.execute(query.order_by(jobs.c.id))}


def _arriving(conn: Connection, account_id: int, wa_id: str) -> list[Bubble]:
    """Messages that are stored but not worked off yet (the worker is busy, or stopped)."""
    query = (
        select(inbound_events.c.id, inbound_events.c.payload, inbound_events.c.occurred_at)
        .outerjoin(messages, messages.c.event_id == inbound_events.c.id)
        .where(
            inbound_events.c.account_id == account_id,
            inbound_events.c.sender == wa_id,
            inbound_events.c.kind == "message",
            messages.c.id.is_(None),
        )
        .order_by(inbound_events.c.id)
        .limit(MOST)
    )
    return [
        Bubble(f"e{row.id}", True, str(row.payload.get("message", {}).get("text", {}).get("body", "")), row.occurred_at)
        for row in conn.execute(query)
    ]


def conversation_of(conn: Connection, account_id: int, wa_id: str) -> int | None:
    """The newest conversation of an invented customer."""
    query = (
        select(conversations.c.id)
        .join(identities, identities.c.contact_id == conversations.c.contact_id)
        .where(conversations.c.account_id == account_id, identities.c.account_id == account_id, identities.c.external_id == wa_id)
        .order_by(conversations.c.id.desc())
        .limit(1)
    )
    return conn.execute(query).scalar_one_or_none()


def whom(conn: Connection, account_id: int, language: str) -> Person:
    """Whom a newcomer plays: somebody whom the AI answers, best one who writes in the newcomer's language."""
    joined = conversations.join(
        identities, and_(identities.c.contact_id == conversations.c.contact_id, identities.c.account_id == account_id)
    )
    query = (
        select(identities.c.external_id, conversations.c.owner)
        .select_from(joined)
        .where(conversations.c.account_id == account_id, identities.c.external_id.in_([one.wa_id for one in people()]))
        .order_by(conversations.c.id)
    )
    owners = {row.external_id: row.owner for row in conn.execute(query)}
    known = sorted(people(), key=lambda one: one.language != language)
    return next((one for one in known if owners.get(one.wa_id, "ai") == "ai"), known[0])
