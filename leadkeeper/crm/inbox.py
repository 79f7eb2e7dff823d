"""The inbox: conversations as a list, by what they need, a page at a time.

A page ends with `next`, the place of its last row: paging stays right while new messages come in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Label, Select, and_, case, false, func, or_, select

from leadkeeper.errors import Invalid, NotFound
from leadkeeper.store.schema import channel_accounts, contacts, leads, users
from leadkeeper.store.schema import conversations as table
from leadkeeper.store.types import EPOCH

VIEWS = ("needs_human", "unanswered", "mine", "unassigned", "ai", "unread", "closed", "all")
"""needs_human: handed over, the longest waiting first; unassigned: nobody writes in it; the others as they say."""

_FORWARD = {"needs_human": table.c.needs_human_since, "unanswered": table.c.unanswered_since}
"""Views whose oldest comes first; all others begin with what was said last."""

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Card:
    """One conversation as the list shows it. Moments are ours, except `last_inbound_at` (the provider's)."""

    id: int
    contact_id: int
    contact_name: str | None
    contact_phone: str | None
    contact_email: str | None
    opted_out_at: datetime | None
    channel: str
    account_id: int
    account_name: str
    address: str
    simulated: bool
    lead_id: int
    stage: str
    service: str | None
    status: str
    owner: str
    owner_id: int | None
    owner_name: str | None
    language: str
    unread: int
    revision: int
    needs_human_since: datetime | None
    needs_human_reason: str | None
    unanswered_since: datetime | None
    last_inbound_at: datetime | None
    last_outbound_at: datetime | None
    last_message_at: datetime | None
    preview: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Conversations of one view; `next` is where the following page begins, None at the end."""

    conversations: Sequence[Card]
    next: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which conversations. `user_id` is whoever asks, for `mine`; `search` is part of a name, number or address."""

    view: str = "all"
    channel: str | None = None
    search: str = ""
    user_id: int | None = None
    after: str | None = None
    limit: int = 50


def page(conn: Connection, wanted: Wanted) -> Page:
    """One page of a view. Raises Invalid for an unknown view or a `next` that is none."""
    if wanted.view not in VIEWS:
        raise Invalid("unknown view", {"view": f"one of {', '.join(VIEWS)}"})
    at = _FORWARD.get(wanted.view, table.c.last_message_at)
    forward = wanted.view in _FORWARD
    query = _cards().where(_of_view(wanted.view, wanted.user_id), at.is_not(None), *_filters(wanted))
    if wanted.after is not None:
        moment, last_id = parse_place(wanted.after)
        query = query.where(_beyond(at, moment, last_id, forward))
    order = (at, table.c.id) if forward else (at.desc(), table.c.id.desc())
    rows = conn.execute(query.order_by(*order).limit(wanted.limit + 1)).fetchall()
    cards = [Card(**row._mapping) for row in rows[: wanted.limit]]
    following = _place(getattr(cards[-1], at.key), cards[-1].id) if len(rows) > wanted.limit else None
    return Page(cards, following)


def card(conn: Connection, conversation_id: int) -> Card:
    """One conversation as the list shows it. Raises NotFound."""
    row = conn.execute(_cards().where(table.c.id == conversation_id)).first()
    if row is None:
        raise NotFound(f"there is no conversation {conversation_id}")
    return Card(**row._mapping)


def of_contact(conn: Connection, contact_id: int) -> list[Card]:
    """Every conversation of a contact, the newest first."""
    query = _cards().where(table.c.contact_id == contact_id).order_by(table.c.id.desc())
    return [Card(**row._mapping) for row in conn.execute(query)]


def counts(conn: Connection, user_id: int | None) -> Mapping[str, int]:
    """How many conversations each view holds, from one reading of the rows."""
    numbers: list[Label[int]] = [
        func.coalesce(func.sum(case((_of_view(view, user_id), 1), else_=0)), 0).label(view) for view in VIEWS
    ]
    return dict(conn.execute(select(*numbers).where(table.c.last_message_at.is_not(None))).one()._mapping)


def waiting(conn: Connection) -> int:
    """How many customers wait for a person."""
    query = select(func.count()).where(_of_view("needs_human", None))
    return int(conn.execute(query).scalar_one())


def parse_place(text: str) -> tuple[datetime, int]:
    """The (moment, id) a `next` names. Raises Invalid."""
    micros, _, last_id = text.partition("-")
    if not (micros.isascii() and micros.isdigit() and last_id.isascii() and last_id.isdigit() and len(text) <= 40):
        raise Invalid("this is no place in the list", {"next": "take it from the page before"})
    try:
        moment = EPOCH + int(micros) * _MICROSECOND
    except OverflowError as error:
        raise Invalid("this is no place in the list", {"next": "take it from the page before"}) from error
    return moment, min(int(last_id), 2**63 - 1)


def _place(moment: datetime, last_id: int) -> str:
    return f"{(moment - EPOCH) // _MICROSECOND}-{last_id}"


def _beyond(at: ColumnElement[Any], moment: datetime, last_id: int, forward: bool) -> ColumnElement[bool]:
    if forward:
        return or_(at > moment, and_(at == moment, table.c.id > last_id))
    return or_(at < moment, and_(at == moment, table.c.id < last_id))


def _of_view(view: str, user_id: int | None) -> ColumnElement[bool]:
    open_ones = table.c.status == "open"
    return {
        "needs_human": and_(open_ones, table.c.needs_human_since.is_not(None)),
        "unanswered": and_(open_ones, table.c.unanswered_since.is_not(None)),
        "mine": and_(open_ones, table.c.owner_id == user_id) if user_id is not None else false(),
        "unassigned": and_(open_ones, table.c.owner == "nobody"),
        "ai": and_(open_ones, table.c.owner == "ai"),
        "unread": and_(open_ones, table.c.unread > 0),
        "closed": table.c.status == "closed",
        "all": open_ones,
    }[view]


def _filters(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.channel not in (None, "", "all"):
        found.append(channel_accounts.c.channel == wanted.channel)
    words = wanted.search.strip().lower()
    if words:
        named = [func.lower(column).contains(words, autoescape=True) for column in (contacts.c.name, contacts.c.email)]
        found.append(or_(*named, contacts.c.phone.contains(words, autoescape=True), table.c.address == words))
    return found


def _cards() -> Select[Any]:
    own = [table.c[name] for name in Card.__slots__ if name in table.c]
    others = (
        contacts.c.name.label("contact_name"), contacts.c.phone.label("contact_phone"),
        contacts.c.email.label("contact_email"), contacts.c.opted_out_at, channel_accounts.c.channel,
        channel_accounts.c.name.label("account_name"), channel_accounts.c.simulated, leads.c.stage, leads.c.service,
        users.c.name.label("owner_name"),
    )  # fmt: skip
    joined = (
        table.join(contacts, contacts.c.id == table.c.contact_id)
        .join(channel_accounts, channel_accounts.c.id == table.c.account_id)
        .join(leads, leads.c.id == table.c.lead_id)
        .outerjoin(users, users.c.id == table.c.owner_id)
    )
    return select(*own, *others).select_from(joined)
