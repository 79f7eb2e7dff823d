"""Everything the inbox shows, from one reading of the rows: the list of a view, and the conversation that is open."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.access import users
from leadkeeper.access.roles import Role
from leadkeeper.channels.base import channels
from leadkeeper.config import Settings
from leadkeeper.crm import doubts, inbox, tasks, templates
from leadkeeper.crm.expiries import KINDS
from leadkeeper.crm.inbox import Card, Wanted
from leadkeeper.crm.lead_card import LeadCard
from leadkeeper.crm.tasks import Task
from leadkeeper.jobs import conversation
from leadkeeper.jobs.conversation import Thread
from leadkeeper.rules.labels import SERVICES
from leadkeeper.rules.placeholders import used
from leadkeeper.store.prepared import Row
from leadkeeper.store.schema import STAGES
from leadkeeper.web import inbox_thread
from leadkeeper.web.forms import Form
from leadkeeper.web.inbox_asked import FIRST, Asked
from leadkeeper.web.inbox_thread import Entry

CARDS = 20
MESSAGES = 20
MOST_TEMPLATES = 8
LONG = 3600.0
"""Seconds after which a waiting customer is shown as waiting long."""


@dataclass(frozen=True, slots=True)
class Template:
    """An approved template and the places to fill, in the provider's order."""

    row: Row
    places: Sequence[str]


@dataclass(frozen=True, slots=True)
class Choices:
    """What may be chosen in the lead's form."""

    stages: Sequence[str] = STAGES
    services: Sequence[str] = ()
    kinds: Sequence[str] = KINDS
    owners: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Opened:
    """The conversation beside the list. `client_id` makes one sending of its form one message."""

    thread: Thread
    entries: Sequence[Entry]
    others: Sequence[Card]
    tasks: Sequence[Task]
    people: Mapping[int, str]
    choices: Choices
    templates: Sequence[Template]
    limit: int
    client_id: str

    @property
    def card(self) -> Card:
        """The conversation as the list shows it."""
        return self.thread.conversation

    @property
    def lead(self) -> LeadCard:
        """The lead of the conversation."""
        return self.thread.lead


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms of the page as they were sent; fresh ones where nothing was sent."""

    say: Form = field(default_factory=Form)
    note: Form = field(default_factory=Form)
    template: Form = field(default_factory=Form)
    lead: Form = field(default_factory=Form)
    expiry: Form = field(default_factory=Form)


@dataclass(frozen=True, slots=True)
class InboxView:
    """The page. `may`: the reader may act, not only look."""

    asked: Asked
    counts: Mapping[str, int]
    cards: Sequence[Card]
    following: str | None
    opened: Opened | None
    forms: Forms
    may: bool
    now: datetime
    in_doubt: int
    """sends whose fate a person has to say; 0 outside the view of what needs a human"""


def read(
    conn: Connection, settings: Settings, asked: Asked, user_id: int, role: Role, conversation_id: int | None, forms: Forms
) -> InboxView:
    """One reading of the rows. Raises NotFound for an unknown conversation, Invalid for a place that is none."""
    opened = _open(conn, settings.zone, conversation_id, asked) if conversation_id is not None else None
    asked = replace(asked, view=asked.view or _fitting(opened))
    page = inbox.page(conn, Wanted(asked.view, None, asked.search, user_id, asked.after or None, CARDS))
    return InboxView(
        asked=asked,
        counts=inbox.counts(conn, user_id),
        cards=page.conversations,
        following=page.next,
        opened=opened,
        forms=forms,
        may=role.may(Role.AGENT),
        now=clock.now(),
        in_doubt=doubts.counts(conn)["needs_human"] if asked.view == "needs_human" else 0,
    )


def waited(card: Card, now: datetime) -> float | None:
    """Seconds a customer has been waiting for a person or an answer; None when nobody waits."""
    since = card.needs_human_since or card.unanswered_since
    return None if since is None or card.status == "closed" else (now - since).total_seconds()


def handler(card: Card, user_id: int) -> str:
    """Who handles a conversation: closed, waiting (for a person), ai, me, person, or nobody."""
    if card.status == "closed":
        return "closed"
    if card.owner == "user":
        return "me" if card.owner_id == user_id else "person"
    return "waiting" if card.needs_human_since is not None else card.owner


def _fitting(opened: Opened | None) -> str:
    if opened is None:
        return FIRST
    return "closed" if opened.card.status == "closed" else "all"


def _open(conn: Connection, zone: ZoneInfo, conversation_id: int, asked: Asked) -> Opened:
    thread = conversation.thread(conn, conversation_id, asked.before, MESSAGES)
    card, everybody = thread.conversation, users.listed(conn)
    agents = {each.id: each.name for each in everybody if each.disabled_at is None and each.role.may(Role.AGENT)}
    known = sorted({*SERVICES, *([thread.lead.service] if thread.lead.service else [])})
    return Opened(
        thread=thread,
        entries=inbox_thread.entries(thread, zone, newest=asked.before is None),
        others=[each for each in inbox.of_contact(conn, card.contact_id) if each.id != card.id],
        tasks=tasks.of_conversation(conn, card.id),
        people={each.id: each.name for each in everybody},
        choices=Choices(services=known, owners=agents),
        templates=_templates(conn, card) if thread.window.templates and not thread.window.open else (),
        limit=channels.get(card.channel).capabilities.text_limit,
        client_id=secrets.token_hex(8),
    )


def _templates(conn: Connection, card: Card) -> list[Template]:
    """Approved templates, those in the customer's language first."""
    rows = [row for row in templates.of_channel(conn, card.channel) if row.status == "approved"]
    rows.sort(key=lambda row: (not row.language.startswith(card.language), row.name))
    return [Template(row, places(row.body)) for row in rows[:MOST_TEMPLATES]]


def places(body: str) -> list[str]:
    """The places of a template in order of appearance."""
    return sorted(used(body), key=lambda name: body.find(name))
