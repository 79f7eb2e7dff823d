"""What we sent to a contact by ourselves, counted for the guards; bounded, whatever the thread's length."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, or_, select

from leadkeeper.rules.words import normalise
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


def read(conn: Connection, subject: Row, now: datetime, without: int | None, *, texts: bool) -> Counts:
    """Count for the conversation of `subject`, and in the contact's other open threads.

    `automatic_since_spoken` and `spoken` speak of this conversation, the others of the contact.
    """
    here = _count(conn, subject.conversation_id, now, without)
    others = [_count(conn, other, now, without) for other in _other_threads(conn, subject)] if subject.threads > 1 else []
    every = [here, *others]
    return Counts(
        automatic_last_hour=sum(row.last_hour for row in every),
        proactive_last_day=sum(row.proactive_day for row in every),
        automatic_since_spoken=here.since_spoken,
        spoken=here.outbound > 0,
        recent_texts=_texts(conn, subject.conversation_id, now, without) if texts else frozenset(),
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


def _count_statement() -> Any:
    """Counts over the newest messages of a thread; built once, since building it costs more than running it."""
    newest = (
        select(
            messages.c.id, messages.c.direction, messages.c.author, messages.c.purpose, messages.c.state, messages.c.created_at
        )
        .where(messages.c.conversation_id == bindparam("conversation"))
        .order_by(messages.c.id.desc())
        .limit(LOOKED_AT)
        .cte("newest")
    )
    said = and_(newest.c.direction == "out", ~among(newest.c.state, UNSENT), newest.c.id != bindparam("without"))
    automatic = and_(said, among(newest.c.author, AUTOMATIC))
    spoke = select(func.max(newest.c.id)).where(or_(newest.c.direction == "in", newest.c.author == "person"))
    last = func.coalesce(spoke.scalar_subquery(), 0)
    day = and_(automatic, newest.c.purpose == "proactive", newest.c.created_at > bindparam("day_ago"))
    return select(
        func.count().filter(and_(automatic, newest.c.created_at > bindparam("hour_ago"))).label("last_hour"),
        func.count().filter(day).label("proactive_day"),
        func.count().filter(and_(automatic, newest.c.id > last)).label("since_spoken"),
        func.count().filter(said).label("outbound"),
    )


_COUNT = Prepared(_count_statement())


def _count(conn: Connection, conversation_id: int, now: datetime, without: int | None) -> Row:
    given = {"conversation": conversation_id, "without": without or 0}
    return _COUNT.one(conn, **given, hour_ago=now - timedelta(hours=1), day_ago=now - timedelta(days=1))


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
