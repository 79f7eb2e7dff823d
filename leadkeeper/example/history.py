"""Two weeks of conversations that never happened, with everything the product would have kept of them.

The questions are invented; the answers are not: each is what the example's documents really give for
it, found by the product's own search with the thresholds in force. Two databases get the same story.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update

from leadkeeper import clock
from leadkeeper.ai import extractive
from leadkeeper.config import Settings
from leadkeeper.crm import simulated, texts
from leadkeeper.crm.chain import answer_cause
from leadkeeper.example import business
from leadkeeper.example.business import Person
from leadkeeper.example.load import MARK
from leadkeeper.example.past import Past, Place
from leadkeeper.knowledge.index import SearchIndex
from leadkeeper.store import settings_rows
from leadkeeper.store.schema import channel_accounts, contacts, conversations, identities, leads

DAYS = 14
REST = timedelta(hours=3)
"""The history ends this long ago: what happens now is for the customers who write while you watch."""
STAGES = ("new", "contacted", "engaged", "qualified", "proposal_sent", "in_progress")
SERVICES = ("family_visa", "visit_visa", "freezone_company", "mainland_company", "golden_visa", "freelance_visa", "emirates_id")


@dataclass(slots=True)
class _Thread:
    """One conversation being told, and what its row must say in the end."""

    place: Place
    owner: str = "ai"
    handed_over_at: datetime | None = None
    reason: str | None = None
    last_in: datetime | None = None
    last_out: datetime | None = None
    last_person: datetime | None = None
    unanswered: datetime | None = None
    preview: str = ""
    revision: int = 0
    spoken: bool = False


def write(conn: Connection, index: SearchIndex, settings: Settings) -> int:
    """Tell the story once; returns how many conversations it has. Needs the example loaded and indexed.

    A second call writes nothing; people who have written already keep their own conversation.
    """
    (account_id, *_) = simulated.ids(conn)
    number = conn.execute(select(channel_accounts.c.external_id).where(channel_accounts.c.id == account_id)).scalar_one()
    mark = settings_rows.get(conn, MARK) or {}
    if mark.get("told"):
        return 0
    known = set(conn.execute(select(identities.c.external_id).where(identities.c.account_id == account_id)).scalars())
    strangers = [person for person in business.people() if person.wa_id not in known]
    past, asked, now = Past(conn), business.read("asked.json"), clock.now()
    ago = sorted((past.random.randint(0, DAYS * 24 * 60) for _ in strangers), reverse=True)
    for person, minutes in zip(strangers, ago, strict=True):
        began = now - REST - timedelta(minutes=minutes)
        thread = _Thread(_meet(past, account_id, str(number), person, began))
        _tell(past, thread, asked, index, settings, began)
        _conclude(past, thread)
    settings_rows.save(conn, MARK, {**mark, "told": True})
    return len(strangers)


def _meet(past: Past, account_id: int, number: str, person: Person, at: datetime) -> Place:
    made = past.conn.execute(
        insert(contacts).values(
            name=person.name, phone=f"+{person.wa_id}", nationality=person.nationality, language=person.language,
            set_by_person=[], created_at=at,
        ).returning(contacts.c.id)
    ).scalar_one()  # fmt: skip
    past.conn.execute(
        insert(identities).values(contact_id=made, account_id=account_id, external_id=person.wa_id, kind="wa_id", created_at=at)
    )
    lead = past.conn.execute(
        insert(leads).values(
            contact_id=made, stage=past.random.choice(STAGES), source="whatsapp", service=past.random.choice(SERVICES),
            fields={}, set_by_person=[], score=past.random.randrange(35, 95, 5), stage_at=at, created_at=at, updated_at=at,
        ).returning(leads.c.id)
    ).scalar_one()  # fmt: skip
    talk = past.conn.execute(
        insert(conversations).values(
            contact_id=made, account_id=account_id, lead_id=lead, language=person.language, address=person.wa_id, created_at=at
        ).returning(conversations.c.id)
    ).scalar_one()  # fmt: skip
    return Place(account_id, number, int(made), int(lead), int(talk), person)


def _tell(past: Past, thread: _Thread, asked: Any, index: SearchIndex, settings: Settings, at: datetime) -> None:
    """One to three questions; about a third ends with a person, most of those answered by one."""
    language, dice = thread.place.person.language, past.random
    for question in dice.sample(asked[language], dice.randint(1, 3)):
        _ask(past, thread, question, None, index, settings, at)
        at += timedelta(minutes=dice.uniform(1.5, 25))
        if thread.owner != "ai":
            break
    ending = dice.random()
    if thread.owner == "ai" and ending < 0.34:
        question = dice.choice(asked["person" if ending < 0.18 else "unknown"][language])
        _ask(past, thread, question, asked["reasons"].get(question), index, settings, at)
    elif thread.owner == "ai" and ending > 0.7:
        _thank(past, thread, dice.choice(asked["thanks"][language]), at)
    if thread.owner != "ai" and dice.random() < 0.7:
        _person(past, thread, dice.choice(asked["replies"][language]))


def _ask(
    past: Past, thread: _Thread, question: str, reason: str | None, index: SearchIndex, settings: Settings, at: datetime
) -> None:
    """A question, and what became of it: answered from a document, or handed over."""
    place, language = thread.place, thread.place.person.language
    event, message = past.wrote(place, question, at)
    thread.last_in, thread.preview, thread.revision = at, question, thread.revision + 1
    told_at = at + timedelta(seconds=settings.quiet_seconds + past.random.uniform(0.1, 0.5))
    if reason is None:
        found = index.search(question, language)
        pick = extractive.pick(found, language, settings.answer_score, settings.answer_margin)
        shown = {"text": pick.text, "reason": pick.reason, "margin": pick.margin, "cited": pick.cited}
        draft = past.drafted(place, question, found, shown, told_at)
        if pick.text is not None:
            past.fired(place, "answer", event, "answer asked for", at)
            if not thread.spoken:
                past.fired(place, "welcome", event, "greeting added", at)
            body = pick.text if thread.spoken else f"{_greeting(place.person)}\n\n{pick.text}"
            answer = past.said(place, body, told_at, author="ai", purpose="reply", cause=answer_cause(event, 0), drafted=draft)
            past.decided(place, event, message, "answered", pick.reason, at, told_at, answer)
            thread.last_out, thread.preview, thread.spoken, thread.unanswered = told_at, body, True, None
            return
        reason = pick.reason
        past.fired(place, "answer", event, "answer asked for", at)
    else:
        past.fired(place, f"hand_over_{reason}", event, f"handed over: {reason}", at)
    past.decided(place, event, message, "handed_over", reason, at, told_at)
    notice = texts.say("handover", language)
    past.said(place, notice, told_at, author="rule", purpose="notice", cause=f"notice:{place.conversation_id}:{event}")
    thread.owner, thread.reason, thread.handed_over_at = "nobody", reason, told_at
    thread.last_out, thread.unanswered = told_at, at


def _thank(past: Past, thread: _Thread, words: str, at: datetime) -> None:
    event, message = past.wrote(thread.place, words, at)
    past.fired(thread.place, "thanks", event, "silent: thanks", at)
    past.decided(thread.place, event, message, "silent", "thanks", at, at)
    thread.last_in, thread.preview, thread.revision = at, words, thread.revision + 1


def _person(past: Past, thread: _Thread, words: str) -> None:
    """Somebody of the business answered from the phone."""
    at = (thread.handed_over_at or clock.now()) + timedelta(minutes=past.random.uniform(4, 90))
    at = min(at, clock.now() - timedelta(minutes=20))
    past.handed_over(thread.place, thread.reason or "human", thread.handed_over_at or at, at)
    past.said(thread.place, words, at, author="person", purpose="person", cause=f"example:{thread.place.conversation_id}")
    thread.handed_over_at, thread.reason, thread.unanswered = None, None, None
    thread.last_out, thread.last_person, thread.preview, thread.revision = at, at, words, thread.revision + 1


def _conclude(past: Past, thread: _Thread) -> None:
    """The conversation's row says what its messages say."""
    waits = thread.handed_over_at is not None
    if waits:
        past.handed_over(thread.place, thread.reason or "human", thread.handed_over_at, None)  # type: ignore[arg-type]
    past.conn.execute(
        update(conversations).where(conversations.c.id == thread.place.conversation_id).values(
            owner=thread.owner, revision=thread.revision, unread=1 if waits else 0, needs_human_since=thread.handed_over_at,
            needs_human_reason=thread.reason, told_handover_at=thread.handed_over_at, unanswered_since=thread.unanswered,
            last_inbound_at=thread.last_in, last_outbound_at=thread.last_out, last_person_at=thread.last_person,
            last_message_at=max(filter(None, (thread.last_in, thread.last_out))), preview=thread.preview[:200],
        )
    )  # fmt: skip


def _greeting(person: Person) -> str:
    return texts.say("welcome_named", person.language, name=person.name, business=business.NAME)
