"""From a message that is ready to the job that sends it: enqueued in the same transaction, always."""

from datetime import datetime

from sqlalchemy import Connection

from leadkeeper.crm import accounts, messages
from leadkeeper.crm.conversations import out_key
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.jobs import Job, Lane

LANES = {"person": Lane.PERSON, "notice": Lane.PERSON, "reply": Lane.REPLY, "proactive": Lane.FOLLOW_UP}


def write(conn: Connection, draft: messages.Draft) -> int | None:
    """Write a message and the job that sends it; None when its cause has one already."""
    message_id = messages.compose(conn, draft)
    if message_id is not None:
        queue_send(conn, message_id)
    return message_id


def queue_send(conn: Connection, message_id: int, tries: int = 0) -> int:
    """Enqueue the sending of a ready message in its conversation's order; `tries` it has used in jobs before."""
    message = messages.get(conn, message_id)
    return enqueue(
        conn,
        Job(
            "send",
            {"messageId": message_id, **({"tries": tries} if tries else {})},
            key=out_key(message.conversation_id),
            priority=LANES[message.purpose],
            scope=accounts.scope(message.account_id),
        ),
    )


def look_later(conn: Connection, message_id: int, at: datetime, tries: int = 0) -> int:
    """Look at a message again at a moment, outside the order of its conversation: a keyless timer."""
    message = messages.get(conn, message_id)
    priority = LANES[message.purpose]
    return enqueue(conn, Job("send", {"messageId": message_id, "timer": True, "tries": tries}, priority=priority, run_at=at))
