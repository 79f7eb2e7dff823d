"""Hand a conversation to a person, and tell the customer once."""

from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.crashpoints import point
from leadkeeper.crm import composing, conversations, outbox, texts
from leadkeeper.jobs.context import JobContext
from leadkeeper.jobs.guarding import guard
from leadkeeper.rules.gather import Ask
from leadkeeper.store import restores


def hand_over(
    conn: Connection, ctx: JobContext, conversation_id: int, reason: str, *, event_id: int | None = None, text: str = "handover"
) -> None:
    """The owner becomes nobody, a task is made, and a notice goes out when its guards let it.

    Not for an `event_id` of before a restore: the customer may have been told then.
    """
    if not conversations.needs_human(conn, conversation_id, reason, ctx.job.id):
        return
    point("hand_over.owner_nobody")
    if not restores.covers(conn, event_id) and guard(conn, ctx, Ask(conversation_id), "notice", clock.now()) is None:
        tell_once(conn, conversation_id, ctx.job.id, text)


def tell_once(conn: Connection, conversation_id: int, job_id: int | None, text: str = "handover") -> None:
    """Write the notice, unless this hand-over has had its own. Whether it may go is asked again where it is sent."""
    if not conversations.tell_once(conn, conversation_id):
        return
    point("hand_over.told_once")
    conversation = conversations.get(conn, conversation_id)
    since = conversation.needs_human_since or clock.now()
    outbox.write(
        conn,
        composing.Draft(
            conversation_id=conversation_id,
            author="rule",
            purpose="notice",
            body=texts.say(text, conversation.language),
            cause=f"notice:{conversation_id}:{int(since.timestamp() * 1_000_000)}",
            job_id=job_id,
        ),
    )
