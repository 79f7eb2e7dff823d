"""What follows when a message does not leave as planned: stale, blocked, refused or in doubt."""

from datetime import datetime

from sqlalchemy import Connection

from leadkeeper.crashpoints import point
from leadkeeper.crm import contacts, conversations, decisions, messages, tasks, timeline, waiting
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.jobs import Claimed, Job, Lane
from leadkeeper.queue.outcomes import Cancel
from leadkeeper.store.prepared import Row

SILENT = ("opted_out", "user_owns")
"""Blocks after which nothing is said and nobody is called."""


def give_up(conn: Connection, job: Claimed, error: str) -> None:
    """A send job failed for good, or a person cancelled it.

    A message still `sending` has an unknown outcome, whatever became of its job; and where it was the timer of
    one in doubt that ended, nobody else would ask a person.
    """
    message_id = job.data.get("messageId")
    if not isinstance(message_id, int):
        return
    message = messages.get(conn, message_id, lock=True)
    if message.state in ("sending", "unknown"):
        messages.in_doubt(conn, message_id, "its job ended while it was being sent")
        messages.needs_human(conn, message_id)
        ask_person(conn, message_id)
    elif messages.failed(conn, message_id, message.error_code, (message.reason or error)[:200]):
        not_delivered(conn, message_id)


def reached(conn: Connection, message: Row) -> None:
    """The provider has it."""
    if ends_the_wait(message):
        waiting.answered(conn, [(message.conversation_id, message.id)])


def ends_the_wait(message: Row) -> bool:
    """True when the customer has waited for this: an answer, or a person's message. A notice answers nothing."""
    return message.purpose in ("reply", "person")


def not_delivered(conn: Connection, message_id: int, *, calls: bool = False) -> None:
    """An outbound message failed: what it had answered is handed over; a person's own is shown to them.

    To somebody who wants no more messages nothing is owed: there it closes silent. `calls`: a person is
    called for a rule's own message too.
    """
    message = messages.get(conn, message_id)
    opted_out = contacts.opted_out(conn, message.conversation_id)
    events = decisions.reopen_answered_by(conn, message_id)
    decisions.close(conn, events, *(("silent", "opted_out") if opted_out else ("handed_over", "send_failed")))
    point("failed.reopened")
    timeline.add(conn, "send_failed", conversation_id=message.conversation_id, message=message_id, code=message.error_code)
    if message.purpose in ("reply", "notice") or (calls and message.purpose == "proactive"):
        if not opted_out:
            conversations.needs_human(conn, message.conversation_id, "send_failed")
    elif message.purpose == "person":
        tell_author(conn, message, message.reason or message.error_code)


def tell_author(conn: Connection, message: Row, reason: str) -> None:
    """A person's own message did not leave: they are told, wherever they are by now."""
    tasks.add(
        conn,
        "send_failed",
        f"Your message could not be delivered: {reason}",
        f"failed:{message.id}:{message.attempt}",
        conversation_id=message.conversation_id,
        owner_id=message.user_id,
    )


def leave_to_people(conn: Connection, conversation_id: int) -> None:
    """A reply that finds the conversation in other hands: what still waits for it is theirs, and closed so."""
    conversation = conversations.get(conn, conversation_id, lock=True)
    events = [row.event_id for row in decisions.unanswered(conn, conversation_id)]
    if conversation.owner == "user":
        decisions.close(conn, events, "silent", "user_owns")
    elif conversation.owner == "nobody":
        decisions.close(conn, events, "handed_over", "not_ai")
    elif events:  # given back since
        queue_reply(conn, conversation_id)


def queue_reply(conn: Connection, conversation_id: int, run_at: datetime | None = None) -> None:
    """Enqueue the one reply of a conversation; one that is pending already stands."""
    enqueue(conn, reply_job(conversation_id, run_at))


def reply_job(conversation_id: int, run_at: datetime | None = None) -> Job:
    """The job that answers a conversation; one is pending at most."""
    key = conversations.reply_key(conversation_id)
    return Job("reply", {"conversationId": conversation_id}, key=key, dedupe=key, priority=Lane.REPLY, run_at=run_at)


def redraft(conn: Connection, message: Row) -> Cancel:
    """Cancel a stale answer, open again what it had answered, and have it drafted once more: one transaction."""
    messages.cancel(conn, message.id, "stale: the customer wrote again")
    events = decisions.reopen_answered_by(conn, message.id)
    deleted = decisions.of_deleted(conn, events)
    decisions.close(conn, deleted, "silent", "deleted_by_customer")
    if len(deleted) < len(events):
        queue_reply(conn, message.conversation_id)
    return Cancel("stale: the customer wrote again")


def blocked(conn: Connection, message: Row, reason: str) -> bool:
    """A cancelled message had answered something: that is closed again; True when a person must be called."""
    events = decisions.reopen_answered_by(conn, message.id)
    if not events:
        return False
    outcome = "silent" if reason in SILENT else "handed_over"
    decisions.close(conn, events, outcome, reason)
    return outcome == "handed_over"


def doubt(message_id: int) -> str:
    """How the cause of a message's tasks "did it arrive?" begins."""
    return f"doubt:{message_id}:"


def ask_person(conn: Connection, message_id: int, day: int = 0) -> None:
    """Nobody knows whether it arrived: a task to look at the customer's side, `day` after day while none is open."""
    message = messages.get(conn, message_id)
    if tasks.is_open(conn, doubt(message_id)):
        return
    tasks.add(
        conn,
        "send_in_doubt",
        f"Did message {message_id} arrive? The provider has not said",
        f"{doubt(message_id)}{message.attempt}:{day}",
        conversation_id=message.conversation_id,
    )
    timeline.add(conn, "in_doubt", conversation_id=message.conversation_id, message=message_id)
