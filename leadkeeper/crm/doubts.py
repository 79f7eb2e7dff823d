"""Sends in doubt: given to a provider, and nobody knows whether they arrived. What is known of each, for whoever settles it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, cast, func, select

from leadkeeper import clock
from leadkeeper.crm import messages as book
from leadkeeper.queue.rows import unfinished
from leadkeeper.store.schema import channel_accounts, contacts, conversations, jobs, messages, receipts, timeline, users

LATELY = timedelta(days=1)
"""How long what a person has settled is shown, so that it can be taken back."""
MOST_SETTLED = 20


@dataclass(frozen=True, slots=True)
class Said:
    """What the provider has said of a message; `token` names the attempt it speaks of, where it says so."""

    status: str
    token: str | None
    error_code: str | None
    error: str | None
    occurred_at: datetime
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Doubt:
    """One send in doubt. `state`: unknown (the provider may still say) or needs_human; `since`: of that state;
    `reason`: why it is in doubt; `next_look_at`: when it is looked at again, None when never."""

    id: int
    conversation_id: int
    contact_name: str | None
    contact_phone: str | None
    address: str
    account_name: str
    channel: str
    kind: str
    purpose: str
    body: str
    state: str
    since: datetime
    reason: str | None
    attempt: int
    token: str | None
    job_id: int | None
    written_at: datetime
    said: Sequence[Said] = ()
    next_look_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What a person has said of a message in doubt: `how` is arrived or resent; `can_undo`: nothing has come of it yet."""

    id: int
    conversation_id: int
    contact_name: str | None
    body: str
    how: str
    by: str | None
    at: datetime
    state: str

    @property
    def can_undo(self) -> bool:
        """True while the message is still where the person put it."""
        return self.state == UNDOABLE[self.how]


UNDOABLE = {"arrived": "accepted", "resent": "ready"}
"""What a message still is while nothing has come of a person's word: no receipt, no new call."""


def page(conn: Connection, state: str | None = None, after: int = 0, limit: int = 50) -> tuple[list[Doubt], int | None]:
    """Sends in doubt beyond message `after`, the oldest first, and where the next page begins."""
    query = _known().where(messages.c.id > after).order_by(messages.c.id).limit(limit + 1)
    states = (state,) if state in book.IN_DOUBT else book.IN_DOUBT
    rows = conn.execute(query.where(messages.c.state.in_(states))).fetchall()
    shown = rows[:limit]
    ids = [row.id for row in shown]
    said, looks = _said(conn, ids), next_looks(conn, ids)
    found = [Doubt(**row._mapping, said=said.get(row.id, ()), next_look_at=looks.get(row.id)) for row in shown]
    return found, (ids[-1] if len(rows) > limit else None)


def counts(conn: Connection) -> dict[str, int]:
    """How many sends are in doubt, by state."""
    counted = select(messages.c.state, func.count()).where(messages.c.state.in_(book.IN_DOUBT)).group_by(messages.c.state)
    found = {str(row[0]): int(row[1]) for row in conn.execute(counted)}
    return {state: found.get(state, 0) for state in book.IN_DOUBT}


def next_looks(conn: Connection, message_ids: Sequence[int]) -> dict[int, datetime]:
    """When each of these messages is looked at again, by its timer."""
    number = cast(jobs.c.data["messageId"].as_string(), BigInteger)
    timers = (jobs.c.type == "send", jobs.c.key.is_(None), unfinished())
    query = select(number.label("id"), func.min(jobs.c.run_at).label("at")).where(*timers, number.in_(message_ids))
    return {int(row.id): row.at for row in conn.execute(query.group_by(number))}


def settled_lately(conn: Connection) -> list[Settled]:
    """What persons have settled within a day, the newest first; of each message the last word."""
    number = cast(timeline.c.data["message"].as_string(), BigInteger)
    last = select(func.max(timeline.c.id)).where(
        timeline.c.kind.in_(("settled", "unsettled")), timeline.c.at > clock.now() - LATELY
    )
    query = (
        select(
            messages.c.id, messages.c.conversation_id, contacts.c.name.label("contact_name"), messages.c.body,
            timeline.c.data["how"].as_string().label("how"), users.c.name.label("by"), timeline.c.at, messages.c.state,
        )
        .join(messages, messages.c.id == number)
        .join(conversations, conversations.c.id == messages.c.conversation_id)
        .join(contacts, contacts.c.id == conversations.c.contact_id)
        .outerjoin(users, users.c.id == timeline.c.user_id)
        .where(timeline.c.id.in_(last.group_by(number)), timeline.c.kind == "settled")
        .order_by(timeline.c.id.desc())
    )  # fmt: skip
    return [Settled(**row._mapping) for row in conn.execute(query.limit(MOST_SETTLED))]


def last_word(conn: Connection, message: Any) -> tuple[str, str | None] | None:
    """(arrived or resent, why it had been in doubt) as a person settled it last; None when nobody has."""
    mine = (timeline.c.conversation_id == message.conversation_id, timeline.c.kind.in_(("settled", "unsettled")))
    about = cast(timeline.c.data["message"].as_string(), BigInteger) == message.id
    row = conn.execute(select(timeline).where(*mine, about).order_by(timeline.c.id.desc()).limit(1)).first()
    return None if row is None or row.kind == "unsettled" else (str(row.data["how"]), row.data.get("why"))


def _known() -> Select[Any]:
    return (
        select(
            messages.c.id, messages.c.conversation_id, contacts.c.name.label("contact_name"),
            contacts.c.phone.label("contact_phone"), conversations.c.address, channel_accounts.c.name.label("account_name"),
            channel_accounts.c.channel, messages.c.kind, messages.c.purpose, messages.c.body, messages.c.state,
            messages.c.state_at.label("since"), messages.c.reason, messages.c.attempt, messages.c.token,
            messages.c.send_job_id.label("job_id"), messages.c.created_at.label("written_at"),
        )
        .join(conversations, conversations.c.id == messages.c.conversation_id)
        .join(contacts, contacts.c.id == conversations.c.contact_id)
        .join(channel_accounts, channel_accounts.c.id == messages.c.account_id)
    )  # fmt: skip


def _said(conn: Connection, message_ids: Sequence[int]) -> dict[int, list[Said]]:
    query = select(receipts).where(receipts.c.message_id.in_(message_ids)).order_by(receipts.c.received_at, receipts.c.id)
    found: dict[int, list[Said]] = {}
    for row in conn.execute(query):
        found.setdefault(row.message_id, []).append(Said(**{name: row._mapping[name] for name in Said.__slots__}))
    return found
