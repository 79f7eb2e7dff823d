"""A conversation read back: its messages with their decisions, and what happened beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, or_, select

from leadkeeper.store.prepared import Row
from leadkeeper.store.schema import conversations, decisions, messages, timeline, users

MOST_LINES = 300
"""Lines of the timeline shown beside one page of messages; the newest are kept."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided about an inbound message; `outcome` is None while it is open."""

    outcome: str | None
    reason: str | None
    answer_id: int | None
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Spoken:
    """One message as the thread shows it. `decision` on inbound ones, `state` on outbound ones."""

    id: int
    conversation_id: int
    direction: str
    kind: str
    author: str
    user_id: int | None
    user_name: str | None
    purpose: str | None
    body: str
    media: Mapping[str, Any] | None
    template: Mapping[str, Any] | None
    reply_to: str | None
    external_id: str | None
    state: str | None
    state_at: datetime | None
    reason: str | None
    error_code: str | None
    attempt: int
    event_id: int | None
    job_id: int | None
    rule_run_id: int | None
    draft_id: int | None
    reaction: str | None
    edited_at: datetime | None
    revoked_at: datetime | None
    occurred_at: datetime
    created_at: datetime
    decision: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """Something that happened beside the messages: a note, a hand-over, a change."""

    id: int
    kind: str
    user_id: int | None
    user_name: str | None
    job_id: int | None
    data: Mapping[str, Any]
    at: datetime


def page(conn: Connection, conversation_id: int, before: int | None = None, limit: int = 50) -> tuple[list[Spoken], int | None]:
    """The newest messages before message `before`, oldest first; beside them where an older page ends."""
    query = _spoken().where(messages.c.conversation_id == conversation_id)
    if before is not None:
        query = query.where(messages.c.id < before)
    rows = conn.execute(query.order_by(messages.c.id.desc()).limit(limit + 1)).fetchall()
    shown = [_message(row) for row in reversed(rows[:limit])]
    return shown, (shown[0].id if len(rows) > limit else None)


def listed(conn: Connection, message_ids: Sequence[int]) -> list[Spoken]:
    """These messages, by id."""
    query = _spoken().where(messages.c.id.in_(message_ids)).order_by(messages.c.id)
    return [_message(row) for row in conn.execute(query)]


def lines(conn: Connection, conversation_id: int, since: datetime | None = None, until: datetime | None = None) -> list[Line]:
    """The timeline of a conversation, and of its lead, from a moment on and before another, oldest first."""
    lead = select(conversations.c.lead_id).where(conversations.c.id == conversation_id).scalar_subquery()
    of_lead = and_(timeline.c.lead_id == lead, timeline.c.conversation_id.is_(None))
    query = (
        select(timeline, users.c.name.label("user_name"))
        .outerjoin(users, users.c.id == timeline.c.user_id)
        .where(or_(timeline.c.conversation_id == conversation_id, of_lead))
        .order_by(timeline.c.id.desc())
        .limit(MOST_LINES)
    )
    if since is not None:
        query = query.where(timeline.c.at >= since)
    if until is not None:
        query = query.where(timeline.c.at < until)
    rows = conn.execute(query).fetchall()
    return [Line(**{name: row._mapping[name] for name in Line.__slots__}) for row in reversed(rows)]


_DECIDED = ("outcome", "reason", "answer_id", "opened_at", "closed_at")


def _spoken() -> Select[Any]:
    own = [messages.c[name] for name in Spoken.__slots__ if name in messages.c]
    decided = [decisions.c[name].label(f"decision_{name}") for name in _DECIDED]
    joined = messages.outerjoin(users, users.c.id == messages.c.user_id).outerjoin(
        decisions, decisions.c.message_id == messages.c.id
    )
    return select(*own, users.c.name.label("user_name"), *decided).select_from(joined)


def _message(found: Row) -> Spoken:
    row = found._mapping
    values = {name: row[name] for name in Spoken.__slots__ if name != "decision"}
    opened = row["decision_opened_at"]
    decision = Verdict(**{name: row[f"decision_{name}"] for name in _DECIDED}) if opened is not None else None
    return Spoken(**values, decision=decision)
