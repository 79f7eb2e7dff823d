"""What hangs together in the books: from events to decisions to answers to receipts, and back."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, or_, select

from leadkeeper.store.prepared import Row
from leadkeeper.store.schema import channel_accounts, decisions, inbound_events, messages, receipts

_ANSWER = "reply:"


def events(conn: Connection, event_ids: Collection[int]) -> Sequence[Row]:
    """These inbound events with their account's channel and name, without their payload."""
    query = (
        select(
            inbound_events.c.id, inbound_events.c.kind, inbound_events.c.sender, inbound_events.c.external_id,
            inbound_events.c.occurred_at, inbound_events.c.received_at, inbound_events.c.delivery_id,
            channel_accounts.c.channel, channel_accounts.c.name.label("account_name"),
        )
        .join(channel_accounts, channel_accounts.c.id == inbound_events.c.account_id)
        .where(inbound_events.c.id.in_(event_ids))
        .order_by(inbound_events.c.id)
    )  # fmt: skip
    return list(conn.execute(query))


def event_named(conn: Connection, channel: str, external_id: str) -> int | None:
    """The id of the event a channel knows by this id."""
    query = (
        select(inbound_events.c.id)
        .join(channel_accounts, channel_accounts.c.id == inbound_events.c.account_id)
        .where(channel_accounts.c.channel == channel, inbound_events.c.external_id == external_id)
        .order_by(inbound_events.c.id)
        .limit(1)
    )
    return conn.execute(query).scalar_one_or_none()


def decided(conn: Connection, event_ids: Collection[int]) -> Sequence[Row]:
    """The decisions of these events."""
    return conn.execute(select(decisions).where(decisions.c.event_id.in_(event_ids)).order_by(decisions.c.id)).fetchall()


def events_answered(conn: Connection, message_ids: Collection[int]) -> set[int]:
    """The events whose decisions these messages answered."""
    return set(conn.execute(select(decisions.c.event_id).where(decisions.c.answer_id.in_(message_ids))).scalars())


def events_closed(conn: Connection, conversation_id: int, since: datetime, until: datetime) -> set[int]:
    """The events of a conversation that had asked for an answer and whose decisions were closed between two moments."""
    closed = decisions.c.closed_at.between(since, until + timedelta(seconds=1))
    query = select(decisions.c.event_id).where(decisions.c.conversation_id == conversation_id, decisions.c.wants_answer, closed)
    return set(conn.execute(query).scalars())


def answer_cause(event_id: int, reopened: int) -> str:
    """The cause of an answer: the first event it was asked for, and how often that was opened again."""
    return f"{_ANSWER}{event_id}:{reopened}"


def events_asked(conn: Connection, message_ids: Collection[int]) -> set[int]:
    """The events these answers were written for, also when they failed and their decisions were closed another way."""
    causes = conn.execute(select(messages.c.cause).where(messages.c.id.in_(message_ids), messages.c.cause.like(f"{_ANSWER}%")))
    first = {int(cause.removeprefix(_ANSWER).partition(":")[0]) for cause in causes.scalars()}
    # Several messages answered by one failed answer were closed by its failure at one moment.
    closed = [
        and_(decisions.c.conversation_id == row.conversation_id, decisions.c.closed_at == row.closed_at)
        for row in decided(conn, first)
        if row.closed_at is not None
    ]
    together = conn.execute(select(decisions.c.event_id).where(or_(*closed))).scalars() if closed else ()
    return first | set(together)


def inbound_of(conn: Connection, event_ids: Collection[int]) -> list[int]:
    """The messages these events became."""
    return list(conn.execute(select(messages.c.id).where(messages.c.event_id.in_(event_ids))).scalars())


def written_by(conn: Connection, job_ids: Collection[int], conversation_ids: Collection[int]) -> set[int]:
    """The outbound messages these jobs have written to these conversations."""
    query = select(messages.c.id).where(
        messages.c.conversation_id.in_(conversation_ids), messages.c.job_id.in_(job_ids), messages.c.direction == "out"
    )
    return set(conn.execute(query).scalars())


def receipts_of(conn: Connection, message_ids: Collection[int]) -> Sequence[Row]:
    """What the provider has said of these messages, in the order it happened."""
    query = select(
        receipts.c.id, receipts.c.message_id, receipts.c.status, receipts.c.error_code, receipts.c.error,
        receipts.c.occurred_at, receipts.c.received_at,
    ).where(receipts.c.message_id.in_(message_ids))  # fmt: skip
    return list(conn.execute(query.order_by(receipts.c.occurred_at, receipts.c.id)))
