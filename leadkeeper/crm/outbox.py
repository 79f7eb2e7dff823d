"""From a message that is ready to the job that sends it: enqueued in the same transaction, always."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Update, func, select, update

from leadkeeper.crashpoints import point
from leadkeeper.crm import accounts, composing, messages
from leadkeeper.crm.conversations import out_key
from leadkeeper.errors import NotFound
from leadkeeper.queue.enqueue import enqueue, enqueue_all
from leadkeeper.queue.jobs import Job, Lane
from leadkeeper.store.given import IDS, NUMBER, Given
from leadkeeper.store.prepared import Prepared, Row
from leadkeeper.store.schema import conversations, decisions
from leadkeeper.store.schema import messages as table
from leadkeeper.store.types import micros

LANES = {"person": Lane.PERSON, "notice": Lane.PERSON, "reply": Lane.REPLY, "proactive": Lane.FOLLOW_UP}


def write(conn: Connection, draft: composing.Draft) -> int | None:
    """Write a message and the job that sends it; None when its cause has one already. Raises NotFound."""
    return write_all(conn, [(draft, composing.account_of(conn, draft.conversation_id))]).get(draft.cause)


def write_all(conn: Connection, drafts: Sequence[tuple[composing.Draft, int]]) -> dict[str, int]:
    """Write messages, each of a (draft, account), and the jobs that send them; the ids of the new ones by cause."""
    new = composing.compose(conn, drafts)
    point("outbox.composed")
    enqueue_all(
        conn,
        [
            _sending({"messageId": new[draft.cause]}, draft.conversation_id, account_id, draft.purpose)
            for draft, account_id in drafts
            if draft.cause in new
        ],
    )
    return new


def conversations_of(conn: Connection, message_ids: Sequence[int]) -> dict[int, Row]:
    """The conversations these messages go to, by message, locked against other writers. Raises NotFound."""
    found = _CONVERSATIONS.all(conn, **IDS.values(conn.dialect.name, [(each,) for each in message_ids]))
    return _each(message_ids, {row.of_message: row for row in found})


def to_send(conn: Connection, message_ids: Sequence[int]) -> dict[int, Row]:
    """Messages about to be sent, by id, locked: their rows, `answers` (the oldest event one answers) and `doubt_before`
    (since when the outcome of the message before it is unknown). Raises NotFound."""
    found = _TO_SEND.all(conn, **IDS.values(conn.dialect.name, [(each,) for each in message_ids]))
    return _each(message_ids, {row.id: row for row in found})


def _each(message_ids: Sequence[int], found: dict[int, Row]) -> dict[int, Row]:
    missing = set(message_ids).difference(found)
    if missing:
        raise NotFound(f"there is no message {min(missing)}")
    return found


def queue_send(conn: Connection, message_id: int, tries: int = 0) -> int:
    """Enqueue the sending of a ready message in its conversation's order; `tries` it has used in jobs before."""
    message = messages.get(conn, message_id)
    data = {"messageId": message_id, **({"tries": tries} if tries else {})}
    return enqueue(conn, _sending(data, message.conversation_id, message.account_id, message.purpose))


def look_later(conn: Connection, message_id: int, at: datetime, tries: int = 0) -> int:
    """Look at a message again at a moment, outside the order of its conversation: a keyless timer."""
    message = messages.get(conn, message_id)
    priority = LANES[message.purpose]
    return enqueue(conn, Job("send", {"messageId": message_id, "timer": True, "tries": tries}, priority=priority, run_at=at))


def give_turns(conn: Connection, turns: Sequence[tuple[int, datetime]]) -> None:
    """A limit makes these messages wait for their turn: they have waited when they come back."""
    if turns:
        _GIVE.run(conn, **_TURNS.values(conn.dialect.name, [(message_id, micros(turn)) for message_id, turn in turns]))


def _sending(data: Mapping[str, int], conversation_id: int, account_id: int, purpose: str) -> Job:
    """The job that sends a message, in the order of its conversation."""
    return Job("send", data, key=out_key(conversation_id), priority=LANES[purpose], scope=accounts.scope(account_id))


def _conversations(dialect: str) -> Select[Any]:
    ids = IDS.table(dialect)
    rows = select(conversations, table.c.id.label("of_message")).join(table, table.c.conversation_id == conversations.c.id)
    rows = rows.where(table.c.id == ids.c.id)
    return rows.order_by(conversations.c.id).with_for_update(of=conversations)


def _to_send(dialect: str) -> Select[Any]:
    ids = IDS.table(dialect)
    other, before = table.alias("other"), table.alias("before")
    said_before = (
        select(func.max(other.c.id))
        .where(other.c.conversation_id == table.c.conversation_id, other.c.id < table.c.id)
        .where(other.c.direction == "out", other.c.state != "cancelled")
        .correlate(table)  # two levels up: left to itself it would mean any message
        .scalar_subquery()
    )
    doubt = select(before.c.state_at).where(before.c.id == said_before, before.c.state == "unknown").scalar_subquery()
    answers = select(func.min(decisions.c.event_id)).where(decisions.c.answer_id == table.c.id).scalar_subquery()
    rows = select(table, answers.label("answers"), doubt.label("doubt_before")).where(table.c.id == ids.c.id)
    return rows.order_by(table.c.id).with_for_update(of=table)


def _giving(dialect: str) -> Update:
    turns = _TURNS.table(dialect)
    return update(table).where(table.c.id == turns.c.message).values(turn_at=turns.c.turn)


_TURNS = Given("turns", message=NUMBER, turn=NUMBER)
_GIVE = Prepared(_giving)
_CONVERSATIONS = Prepared(_conversations)
_TO_SEND = Prepared(_to_send)
