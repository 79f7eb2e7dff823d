"""From a message that is ready to the job that sends it: enqueued in the same transaction, always."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, Select, bindparam, func, select

from leadkeeper.crashpoints import point
from leadkeeper.crm import accounts, messages
from leadkeeper.crm.conversations import out_key
from leadkeeper.errors import NotFound
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.jobs import Job, Lane
from leadkeeper.store.prepared import Prepared, Row
from leadkeeper.store.schema import conversations, decisions
from leadkeeper.store.schema import messages as table

LANES = {"person": Lane.PERSON, "notice": Lane.PERSON, "reply": Lane.REPLY, "proactive": Lane.FOLLOW_UP}


def write(conn: Connection, draft: messages.Draft, account_id: int | None = None) -> int | None:
    """Write a message and the job that sends it; None when its cause has one already.

    `account_id` is the conversation's, where the caller has it at hand.
    """
    account_id = account_id or messages.account_of(conn, draft.conversation_id)
    message_id = messages.compose(conn, draft, account_id)
    point("outbox.composed")
    if message_id is not None:
        _queue(conn, {"messageId": message_id}, draft.conversation_id, account_id, draft.purpose)
    return message_id


def conversation_of(conn: Connection, message_id: int) -> Row:
    """The conversation a message goes to, locked against other writers. Raises NotFound."""
    row = _CONVERSATION.first(conn, message=message_id)
    if row is None:
        raise NotFound(f"there is no message {message_id}")
    return row


def to_send(conn: Connection, message_id: int) -> Row:
    """A message about to be sent, locked: its row, `answers` (the oldest event it answers) and `doubt_before`
    (since when the outcome of the message before it is unknown). Raises NotFound."""
    row = _TO_SEND.first(conn, message=message_id)
    if row is None:
        raise NotFound(f"there is no message {message_id}")
    return row


def queue_send(conn: Connection, message_id: int, tries: int = 0) -> int:
    """Enqueue the sending of a ready message in its conversation's order; `tries` it has used in jobs before."""
    message = messages.get(conn, message_id)
    data = {"messageId": message_id, **({"tries": tries} if tries else {})}
    return _queue(conn, data, message.conversation_id, message.account_id, message.purpose)


def look_later(conn: Connection, message_id: int, at: datetime, tries: int = 0) -> int:
    """Look at a message again at a moment, outside the order of its conversation: a keyless timer."""
    message = messages.get(conn, message_id)
    priority = LANES[message.purpose]
    return enqueue(conn, Job("send", {"messageId": message_id, "timer": True, "tries": tries}, priority=priority, run_at=at))


def _queue(conn: Connection, data: Mapping[str, int], conversation_id: int, account_id: int, purpose: str) -> int:
    key, scope = out_key(conversation_id), accounts.scope(account_id)
    return enqueue(conn, Job("send", data, key=key, priority=LANES[purpose], scope=scope))


def _to_send() -> Select[tuple[object, ...]]:
    other, before = table.alias("other"), table.alias("before")
    said_before = (
        select(func.max(other.c.id))
        .where(other.c.conversation_id == table.c.conversation_id, other.c.id < table.c.id)
        .where(other.c.direction == "out", other.c.state != "cancelled")
        .scalar_subquery()
    )
    doubt = select(before.c.state_at).where(before.c.id == said_before, before.c.state == "unknown").scalar_subquery()
    answers = select(func.min(decisions.c.event_id)).where(decisions.c.answer_id == table.c.id).scalar_subquery()
    row = select(table, answers.label("answers"), doubt.label("doubt_before")).where(table.c.id == bindparam("message"))
    return row.with_for_update(of=table)


_CONVERSATION = Prepared(
    select(conversations)
    .join(table, table.c.conversation_id == conversations.c.id)
    .where(table.c.id == bindparam("message"))
    .with_for_update(of=conversations)
)
_TO_SEND = Prepared(_to_send())
