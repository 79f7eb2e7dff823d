"""What a visitor of the web chat may read: what they wrote and what was really said to them, nothing else.

Never notes, drafts, cancelled or refused messages, and never another visitor's words, even where two
visitors were found to be one person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, or_, select

from leadkeeper import clock
from leadkeeper.store.schema import conversations, identities, inbound_events, messages

SAID = ("accepted", "sent", "delivered", "read")
"""Send states of a message that has left."""
MOVING = ("ready", "sending", "unknown", "needs_human")
"""Send states from which a message may still come to be said."""
MOST = 100
OVERLAP = timedelta(seconds=10)
"""Ids are given before commits happen: what is younger than this is told again to whoever comes back."""


@dataclass(frozen=True, slots=True)
class Line:
    """One message as the visitor sees it. `by`: visitor, assistant or person; `client_id` is the browser's own id."""

    id: int
    by: str
    text: str
    at: datetime
    client_id: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Lines after a place, oldest first. `next` is a place that no later line can come before."""

    lines: Sequence[Line]
    next: int
    conversation_ids: frozenset[int]


def page(conn: Connection, account_id: int, visitor: str, after: int = 0) -> Page:
    """The newest MOST lines after message `after`; a line may be told twice, never left out."""
    threads = _threads(conn, account_id, visitor)
    if not threads:
        return Page((), after, frozenset())
    mine = and_(messages.c.direction == "in", inbound_events.c.sender == visitor)
    theirs = and_(messages.c.direction == "out", messages.c.state.in_(SAID))
    query = (
        select(
            messages.c.id, messages.c.direction, messages.c.author, messages.c.body, messages.c.occurred_at,
            messages.c.state_at, inbound_events.c.external_id,
        )
        .outerjoin(inbound_events, inbound_events.c.id == messages.c.event_id)
        .where(messages.c.conversation_id.in_(threads), messages.c.id > after, messages.c.revoked_at.is_(None), or_(mine, theirs))
        .order_by(messages.c.id.desc())
        .limit(MOST)
    )  # fmt: skip
    prefix = f"chat:{visitor}:"
    lines = [
        Line(
            row.id,
            "visitor" if row.direction == "in" else "person" if row.author == "person" else "assistant",
            row.body,
            row.occurred_at if row.direction == "in" else row.state_at,
            (row.external_id or "").removeprefix(prefix) or None,
        )
        for row in reversed(conn.execute(query).fetchall())
    ]
    return Page(lines, _settled(conn, threads, after), frozenset(threads))


def _threads(conn: Connection, account_id: int, visitor: str) -> list[int]:
    query = (
        select(conversations.c.id)
        .join(identities, identities.c.contact_id == conversations.c.contact_id)
        .where(
            identities.c.account_id == account_id,
            identities.c.external_id == visitor,
            conversations.c.account_id == account_id,
        )
    )
    return [int(found) for found in conn.execute(query).scalars()]


def _settled(conn: Connection, threads: Sequence[int], after: int) -> int:
    """The highest place with nothing before it that may still appear."""
    own = messages.c.conversation_id.in_(threads)
    moving = conn.execute(select(func.min(messages.c.id)).where(own, messages.c.state.in_(MOVING))).scalar()
    old = conn.execute(select(func.max(messages.c.id)).where(own, messages.c.created_at < clock.now() - OVERLAP)).scalar()
    place = int(old or 0) if moving is None else min(int(old or 0), int(moving) - 1)
    return max(after, place)
