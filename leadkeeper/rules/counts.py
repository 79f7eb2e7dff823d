"""What we sent to a contact by ourselves, counted for the guards; bounded, whatever the thread's length."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, func, or_, select

from leadkeeper.rules.words import normalise
from leadkeeper.store.given import NUMBER, Given
from leadkeeper.store.prepared import Prepared, Row, among
from leadkeeper.store.schema import conversations, messages

LOOKED_AT = 300
"""Newest messages of a thread that are counted: enough for every guard, and constant work per message."""

SAME_TEXT = timedelta(days=7)
"""For this long the same text is not sent again by a rule."""

AUTOMATIC = ("ai", "rule")
UNSENT = ("draft", "cancelled", "failed")


@dataclass(frozen=True, slots=True)
class Counts:
    """See the fields of the same names in `Facts`."""

    automatic_last_hour: int
    proactive_last_day: int
    automatic_since_spoken: int
    spoken: bool
    recent_texts: frozenset[str] = frozenset()


Asked = tuple[int, int | None]
"""A conversation, and a message that is left out: the one about to be sent."""


def read_all(conn: Connection, asked: Sequence[Asked], subjects: Sequence[Row], now: datetime, *, texts: bool) -> list[Counts]:
    """Count for each conversation, and in its contact's other open threads, in order.

    `automatic_since_spoken` and `spoken` speak of the conversation, the others of the contact.
    `subjects` name its contact (`contact_id`) and how many open threads they have (`threads`).
    """
    here = _count(conn, asked, now)
    every = []
    for (conversation_id, without), subject, mine in zip(asked, subjects, here, strict=True):
        elsewhere = _other_threads(conn, subject) if subject.threads > 1 else []
        others = _count(conn, [(other, without) for other in elsewhere], now) if elsewhere else []
        said = _texts(conn, conversation_id, now, without) if texts else frozenset()
        every.append(_sum(mine, others, said))
    return every


def _sum(here: Row, others: Sequence[Row], texts: frozenset[str]) -> Counts:
    return Counts(
        automatic_last_hour=here.last_hour + sum(row.last_hour for row in others),
        proactive_last_day=here.proactive_day + sum(row.proactive_day for row in others),
        automatic_since_spoken=here.since_spoken,
        spoken=here.outbound > 0,
        recent_texts=texts,
    )


def threads_of_contact() -> Any:
    """How many open conversations the contact of a conversation has, as a part of another statement."""
    other = conversations.alias("other")
    return (
        select(func.count())
        .select_from(other)
        .where(other.c.contact_id == conversations.c.contact_id, other.c.status == "open")
        .scalar_subquery()
    )


def _counting(dialect: str) -> Select[Any]:
    """Counts over the newest messages of each thread; one row each, by its place."""
    asked = _ASKED.table(dialect)
    older, spoke = messages.alias("older"), messages.alias("spoke")
    oldest = select(older.c.id).where(older.c.conversation_id == asked.c.conversation).order_by(older.c.id.desc())
    first = func.coalesce(oldest.offset(LOOKED_AT - 1).limit(1).correlate(asked).scalar_subquery(), 0)
    last_word = (
        select(spoke.c.id)
        .where(spoke.c.conversation_id == asked.c.conversation, or_(spoke.c.direction == "in", spoke.c.author == "person"))
        .order_by(spoke.c.id.desc())
        .limit(1)
        .correlate(asked)
        .scalar_subquery()
    )
    bounds = select(asked, first.label("first"), func.coalesce(last_word, 0).label("last_word")).cte("bounds")
    newest = and_(messages.c.conversation_id == bounds.c.conversation, messages.c.id >= bounds.c.first)
    said = and_(messages.c.direction == "out", ~among(messages.c.state, UNSENT), messages.c.id != bounds.c.without)
    automatic = and_(said, among(messages.c.author, AUTOMATIC))
    day = and_(automatic, messages.c.purpose == "proactive", messages.c.created_at > bindparam("day_ago"))
    return (
        select(
            bounds.c.place,
            func.count().filter(and_(automatic, messages.c.created_at > bindparam("hour_ago"))).label("last_hour"),
            func.count().filter(day).label("proactive_day"),
            func.count().filter(and_(automatic, messages.c.id > bounds.c.last_word)).label("since_spoken"),
            func.count().filter(said).label("outbound"),
        )
        .select_from(bounds.outerjoin(messages, newest))
        .group_by(bounds.c.place)
        .order_by(bounds.c.place)
    )


_ASKED = Given("asked", place=NUMBER, conversation=NUMBER, without=NUMBER)
_COUNT = Prepared(_counting)


def _count(conn: Connection, asked: Sequence[Asked], now: datetime) -> list[Row]:
    given = [(place, conversation_id, without or 0) for place, (conversation_id, without) in enumerate(asked)]
    ago = {"hour_ago": now - timedelta(hours=1), "day_ago": now - timedelta(days=1)}
    return _COUNT.all(conn, **ago, **_ASKED.values(conn.dialect.name, given))


def _other_threads(conn: Connection, subject: Row) -> list[int]:
    query = select(conversations.c.id).where(
        conversations.c.contact_id == subject.contact_id,
        conversations.c.status == "open",
        conversations.c.id != subject.conversation_id,
    )
    return list(conn.execute(query.order_by(conversations.c.id).limit(20)).scalars())


def _texts(conn: Connection, conversation_id: int, now: datetime, without: int | None) -> frozenset[str]:
    query = (
        select(messages.c.body, messages.c.state, messages.c.id)
        .where(
            messages.c.conversation_id == conversation_id,
            messages.c.author.in_(AUTOMATIC),
            messages.c.created_at > now - SAME_TEXT,
        )
        .order_by(messages.c.id.desc())
        .limit(LOOKED_AT)
    )
    rows = conn.execute(query)
    return frozenset(normalise(row.body) for row in rows if row.state not in UNSENT and row.id != without and row.body)
