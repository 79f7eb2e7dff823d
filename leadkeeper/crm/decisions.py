"""One decision per inbound message: answered, handed over, or silent on purpose. Never left open for ever."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Select, Update, and_, bindparam, select, update

from leadkeeper import clock
from leadkeeper.store.given import IDS, NUMBER, TEXT, Given
from leadkeeper.store.prepared import Prepared, Row
from leadkeeper.store.schema import decisions as table
from leadkeeper.store.schema import inbound_events, messages
from leadkeeper.store.signals import signal
from leadkeeper.store.upsert import insert_once


def open_all(conn: Connection, arrived: Sequence[tuple[int, int | None, int | None]]) -> None:
    """Open the decisions of events: (event, message, conversation). A second call only names what was not known yet.

    It was not when the event could not be read at first: its decision was opened by that failure.
    """
    now = clock.now()
    names = ("event_id", "message_id", "conversation_id", "opened_at")
    new = insert_once(conn, table, [dict(zip(names, (*each, now), strict=True)) for each in arrived], table.c.event_id)
    opened = {row.event_id for row in new}
    for event_id, message_id, conversation_id in arrived:
        if event_id not in opened and message_id is not None:
            known = {"message_id": message_id, "conversation_id": conversation_id}
            conn.execute(update(table).where(table.c.event_id == event_id, table.c.message_id.is_(None)).values(**known))


def of_event(conn: Connection, event_id: int) -> Row | None:
    """The decision of an event."""
    return next(iter(of_events(conn, [event_id])), None)


def of_events(conn: Connection, event_ids: Sequence[int]) -> list[Row]:
    """The decisions of these events."""
    return _OF_EVENTS.all(conn, **IDS.values(conn.dialect.name, [(each,) for each in event_ids]))


def event_exists(conn: Connection, event_id: int) -> bool:
    """True when there is an inbound event of this id."""
    return conn.execute(select(inbound_events.c.id).where(inbound_events.c.id == event_id)).first() is not None


def failed_of(conn: Connection, conversation_id: int) -> list[int]:
    """The events of a conversation that wanted an answer and were handed over because a job failed."""
    query = select(table.c.event_id).where(
        table.c.conversation_id == conversation_id,
        table.c.outcome == "handed_over",
        table.c.reason == "job_failed",
        table.c.wants_answer,
    )
    return [int(event_id) for event_id in conn.execute(query).scalars()]


def want_answer(conn: Connection, asked: Sequence[tuple[int, str | None]]) -> set[int]:
    """The rules asked for an answer to these (event, first line): decisions stay open until it is ready.

    Returns the events whose decisions are open: another was closed by somebody.
    """
    return set(_WANT_ANSWER.scalars(conn, **_WANTED.values(conn.dialect.name, asked)))


def unanswered(conn: Connection, conversation_id: int) -> list[Row]:
    """Open decisions of a conversation that want an answer, oldest first, with their messages."""
    return unanswered_of(conn, [conversation_id])[conversation_id]


def unanswered_of(conn: Connection, conversation_ids: Sequence[int]) -> dict[int, list[Row]]:
    """The same of many conversations, by conversation."""
    found: dict[int, list[Row]] = {each: [] for each in conversation_ids}
    for row in _UNANSWERED.all(conn, **IDS.values(conn.dialect.name, [(each,) for each in found])):
        found[row.conversation_id].append(row)
    return found


def of_deleted(conn: Connection, event_ids: Collection[int]) -> list[int]:
    """Those of these events whose message the customer has deleted since."""
    deleted = select(messages.c.event_id).where(messages.c.event_id.in_(event_ids), messages.c.revoked_at.is_not(None))
    return [int(event_id) for event_id in conn.execute(deleted).scalars()]


def close(conn: Connection, event_ids: Collection[int], outcome: str, reason: str, answer_id: int | None = None) -> list[int]:
    """Close the open decisions of these events; returns the events whose decisions were closed now."""
    if not event_ids:
        return []
    given = _EVENTS.values(conn.dialect.name, [(event_id,) for event_id in event_ids])
    said = {"came": outcome, "why": reason[:64], "answer": answer_id}
    closed = _CLOSE.all(conn, now=clock.now(), **said, **given)
    _told(conn, closed)
    return [int(row.event_id) for row in closed]


def answer(conn: Connection, answered: Sequence[tuple[int, str, int]]) -> None:
    """Close open decisions as answered: (event, reason, the message that answers)."""
    given = [(event_id, reason[:64], answer_id) for event_id, reason, answer_id in answered]
    _told(conn, _ANSWER.all(conn, now=clock.now(), **_ANSWERED.values(conn.dialect.name, given)))


def close_all(conn: Connection, conversation_id: int, outcome: str, reason: str) -> list[int]:
    """Close every open decision of a conversation."""
    closed = conn.execute(
        update(table)
        .where(table.c.conversation_id == conversation_id, table.c.outcome.is_(None))
        .values(outcome=outcome, reason=reason[:64], closed_at=clock.now())
        .returning(table.c.event_id, table.c.conversation_id)
    ).fetchall()
    _told(conn, closed)
    return [int(row.event_id) for row in closed]


def close_undone(conn: Connection, event_id: int, outcome: str, reason: str) -> None:
    """Open (when it never was) and close the decision of an event whose job could not be done."""
    open_all(conn, [(event_id, None, None)])
    close(conn, [event_id], outcome, reason)


def reopen(conn: Connection, event_ids: Collection[int]) -> None:
    """Open decisions again, to be decided once more."""
    conn.execute(
        update(table)
        .where(table.c.event_id.in_(event_ids), table.c.outcome.is_not(None))
        .values(outcome=None, reason=None, answer_id=None, closed_at=None, reopened=table.c.reopened + 1)
    )


def reopen_answered_by(conn: Connection, message_id: int) -> list[int]:
    """Open again the decisions this message had answered; returns their events."""
    reopened = conn.execute(
        update(table)
        .where(table.c.answer_id == message_id, table.c.outcome == "answered")
        .values(outcome=None, reason=None, answer_id=None, closed_at=None, reopened=table.c.reopened + 1)
        .returning(table.c.event_id, table.c.conversation_id)
    ).fetchall()
    _told(conn, reopened)
    return [int(row.event_id) for row in reopened]


def answered_by_other(conn: Connection, message_id: int, other_id: int) -> None:
    """Another message took the place of the one that had answered."""
    conn.execute(update(table).where(table.c.answer_id == message_id).values(answer_id=other_id))


def _told(conn: Connection, rows: Collection[Row]) -> None:
    for conversation_id in {row.conversation_id for row in rows if row.conversation_id is not None}:
        signal(conn, "inbox", f"conversation:{conversation_id}")


def _closing(dialect: str) -> Update:
    events = _EVENTS.table(dialect)
    return (
        update(table)
        .where(table.c.event_id == events.c.id, table.c.outcome.is_(None))
        .values(outcome=bindparam("came"), reason=bindparam("why"), answer_id=bindparam("answer"), closed_at=bindparam("now"))
        .returning(table.c.event_id, table.c.conversation_id)
    )


_EVENTS = Given("events", id=NUMBER)
_CLOSE = Prepared(_closing)


def _answering(dialect: str) -> Update:
    answered = _ANSWERED.table(dialect)
    return (
        update(table)
        .where(table.c.event_id == answered.c.event, table.c.outcome.is_(None))
        .values(outcome="answered", reason=answered.c.why, answer_id=answered.c.answer, closed_at=bindparam("now"))
        .returning(table.c.event_id, table.c.conversation_id)
    )


def _unanswered(dialect: str) -> Select[Any]:
    ids = IDS.table(dialect)
    open_ones = and_(table.c.conversation_id == ids.c.id, table.c.outcome.is_(None), table.c.wants_answer)
    rows = select(table, messages.c.body, messages.c.external_id.label("message_external_id"))
    return rows.join(messages, messages.c.id == table.c.message_id).where(open_ones).order_by(table.c.id)


def _wanting(dialect: str) -> Update:
    wanted = _WANTED.table(dialect)
    return (
        update(table)
        .where(table.c.event_id == wanted.c.event, table.c.outcome.is_(None))
        .values(wants_answer=True, first_line=wanted.c.line)
        .returning(table.c.event_id)
    )


def _of_events(dialect: str) -> Select[Any]:
    ids = IDS.table(dialect)
    return select(table).where(table.c.event_id == ids.c.id)


_WANTED = Given("wanted", event=NUMBER, line=TEXT)
_WANT_ANSWER = Prepared(_wanting)
_OF_EVENTS = Prepared(_of_events)
_ANSWERED = Given("answered", event=NUMBER, why=TEXT, answer=NUMBER)
_ANSWER = Prepared(_answering)
_UNANSWERED = Prepared(_unanswered)
