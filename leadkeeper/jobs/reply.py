"""Answer everything a conversation waits for, once: search, draft, check, write the answer or hand over.

The draft is made with nothing open; what it leads to is written in one transaction that first
compares the conversation's revision. Made stale by the customer, it is drafted once more and that
draft is written whatever comes; made stale by a person, it is dropped for good.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from leadkeeper.ai import drafts
from leadkeeper.ai.respond import Draft, Question, respond
from leadkeeper.crashpoints import point
from leadkeeper.crm import conversations, decisions, thread
from leadkeeper.jobs.conclude import Asked, Drafted, conclude
from leadkeeper.jobs.context import JobContext
from leadkeeper.jobs.delivery import leave_to_people
from leadkeeper.jobs.undone import hand_over_conversation, reopen_conversation
from leadkeeper.queue.handlers import job
from leadkeeper.queue.outcomes import Cancel, Done, Outcome
from leadkeeper.store.calls import Turn

MODEL_CALLS = 2
"""Model calls one reply job may make, whatever is tried again."""
THREAD = 10
"""Earlier messages of the conversation a model may read."""


@job(
    "reply",
    retries=3,
    deadline=timedelta(seconds=150),
    when_failed=hand_over_conversation,
    when_redriven=reopen_conversation,
)
async def reply(ctx: JobContext, conversation_id: int) -> Outcome:
    """Draft and write one answer; at most twice when the customer writes meanwhile."""
    for last in (False, True):
        asked = await ctx.db.read_batch(read_asked, (ctx, conversation_id))
        if not asked.decisions:
            return Cancel("nothing unanswered")
        if asked.conversation.owner != "ai":
            return Cancel("a person took over", then=partial(leave_to_people, conversation_id=conversation_id))
        point("reply.asked")
        draft = asked.stored or await _draft(ctx, asked)
        point("reply.drafted")
        written = await ctx.db.write_batch(conclude, Drafted(ctx, asked, draft, last or asked.reopened), Turn.REST)
        point("reply.concluded")
        if written:
            break
    return Done()


def read_asked(conn: Connection, wanted: Sequence[tuple[JobContext, int]]) -> list[Asked]:
    """For (job, conversation): its open questions, its thread, and a draft stored by an earlier try.

    The index is brought up to date. Raises NotFound.
    """
    wanted[0][0].index.refresh(conn)
    ids = [conversation_id for _, conversation_id in wanted]
    rows = conversations.all_by_id(conn, ids)
    stored = drafts.earlier_of(conn, {ctx.job.id: rows[conversation_id].revision for ctx, conversation_id in wanted})
    waiting = decisions.unanswered_of(conn, ids)
    threads = thread.turns_of(conn, ids, THREAD)
    return [Asked(rows[each], waiting[each], threads[each], ctx.settings(conn), *stored[ctx.job.id]) for ctx, each in wanted]


async def _draft(ctx: JobContext, asked: Asked) -> Draft:
    question = Question(
        texts=[row.body for row in asked.decisions],
        language=asked.conversation.language,
        thread=asked.thread,
        calls_left=MODEL_CALLS - asked.calls,
    )
    draft = await respond(question, ctx.index, asked.settings, ctx.http)
    if draft.model:  # a call that cost money is kept before anything else can go wrong
        kept = drafts.Kept(draft, asked.conversation.id, ctx.job.id, asked.conversation.revision)
        await ctx.db.write(drafts.store, [kept])
    return draft
