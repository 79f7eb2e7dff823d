"""From a message that is ready to the job that sends it: enqueued in the same transaction, always."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection

from leadkeeper.crashpoints import point
from leadkeeper.crm import accounts, messages
from leadkeeper.crm.conversations import out_key
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.jobs import Job, Lane

LANES = {"person": Lane.PERSON, "notice": Lane.PERSON, "reply": Lane.REPLY, "proactive": Lane.FOLLOW_UP}


def write(conn: Connection, draft: messages.Draft) -> int | None:
    """Write a message and the job that sends it; None when its cause has one already."""
    account_id = messages.account_of(conn, draft.conversation_id)
    message_id = messages.compose(conn, draft, account_id)
    point("outbox.composed")
    if message_id is not None:
        _queue(conn, {"messageId": message_id}, draft.conversation_id, account_id, draft.purpose)
    return message_id


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
