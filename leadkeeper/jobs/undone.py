"""What closes a message whose job could not be done: no failure leaves a customer without a decision."""

from sqlalchemy import Connection

from leadkeeper.channels.base import Inbound
from leadkeeper.crashpoints import point
from leadkeeper.crm import conversations, decisions, tasks
from leadkeeper.jobs.context import JobContext
from leadkeeper.jobs.hand_over import tell_once
from leadkeeper.queue.jobs import Claimed
from leadkeeper.store import restores
from leadkeeper.store.prepared import Row


def hand_over_event(conn: Connection, job: Claimed, error: str) -> None:
    """An inbound job failed for good: its event's decision is closed as handed over, and a person is told."""
    event_id = job.data.get("eventId")
    if not isinstance(event_id, int) or not decisions.event_exists(conn, event_id):
        return
    decisions.close_undone(conn, event_id, "handed_over", "job_failed")
    point("failed.closed")
    decision = decisions.of_event(conn, event_id)
    conversation_id = decision.conversation_id if decision is not None else None
    if conversation_id is not None:
        _hand_over(conn, conversation_id, job, event_id)
        return
    tasks.add(conn, "handover", f"An incoming message could not be read: {error}", f"event:{event_id}", reason="job_failed")


def hand_over_nameless(conn: Connection, ctx: JobContext, event: Row, parsed: Inbound) -> None:
    """Somebody wrote and the provider does not say who: there is nobody to answer, but a person reads it."""
    decisions.close_undone(conn, event.id, "handed_over", "no_sender")
    said = f"A message came on {event.account_name} without its sender: {parsed.text or parsed.kind}"
    tasks.add(conn, "handover", said, f"event:{event.id}", reason="no_sender")


def hand_over_conversation(conn: Connection, job: Claimed, error: str) -> None:
    """A reply job failed for good: everything it was to answer is handed over."""
    conversation_id = job.data.get("conversationId")
    if not isinstance(conversation_id, int):
        return
    events = [row.event_id for row in decisions.unanswered(conn, conversation_id)]
    decisions.close(conn, events, "handed_over", "job_failed")
    _hand_over(conn, conversation_id, job)


def _hand_over(conn: Connection, conversation_id: int, job: Claimed, event_id: int | None = None) -> None:
    if conversations.needs_human(conn, conversation_id, "job_failed", job.id) and not restores.covers(conn, event_id):
        tell_once(conn, conversation_id, job.id)


def reopen_event(conn: Connection, job: Claimed) -> None:
    """A person retries a failed inbound job: its decision opens again and the AI may write, unless a user owns it."""
    event_id = job.data.get("eventId")
    if not isinstance(event_id, int):
        return
    decision = decisions.of_event(conn, event_id)
    if decision is None or decision.reason != "job_failed":
        return
    decisions.reopen(conn, [event_id])
    if decision.conversation_id is not None:
        give_back_to_ai(conn, decision.conversation_id)


def reopen_conversation(conn: Connection, job: Claimed) -> None:
    """A person retries a failed reply: the decisions it had failed open again, unless a user owns the conversation."""
    conversation_id = job.data.get("conversationId")
    if isinstance(conversation_id, int) and conversations.get(conn, conversation_id, lock=True).owner != "user":
        events = decisions.failed_of(conn, conversation_id)
        decisions.reopen(conn, events)
        give_back_to_ai(conn, conversation_id)


def give_back_to_ai(conn: Connection, conversation_id: int) -> None:
    """Return a conversation to the AI, unless a user owns it."""
    if conversations.get(conn, conversation_id).owner == "nobody":
        conversations.give_back(conn, conversation_id, None)
