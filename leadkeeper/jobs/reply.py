"""Answer everything a conversation waits for, once: search, draft, check, write the answer or hand over.

The draft is made with nothing open; what it leads to is written in one transaction that first
compares the conversation's revision. Made stale by the customer, it is drafted once more and that
draft is written whatever comes; made stale by a person, it is dropped for good.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.ai import drafts
from leadkeeper.ai.respond import Draft, Question, respond
from leadkeeper.config import Settings
from leadkeeper.crashpoints import point
from leadkeeper.crm import conversations, decisions, messages, outbox, thread
from leadkeeper.crm.chain import answer_cause
from leadkeeper.jobs.context import JobContext
from leadkeeper.jobs.delivery import leave_to_people
from leadkeeper.jobs.guarding import guard
from leadkeeper.jobs.hand_over import hand_over
from leadkeeper.jobs.undone import hand_over_conversation, reopen_conversation
from leadkeeper.queue.fence import hold
from leadkeeper.queue.handlers import job
from leadkeeper.queue.outcomes import Cancel, Done, Outcome
from leadkeeper.rules.gather import Ask
from leadkeeper.store.prepared import Row

MODEL_CALLS = 2
"""Model calls one reply job may make, whatever is tried again."""
THREAD = 10
"""Earlier messages of the conversation a model may read."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a conversation waits for, as it was read before drafting."""

    conversation: Row
    decisions: Sequence[Row]
    thread: Sequence[tuple[str, str]]
    settings: Settings
    stored: Draft | None
    calls: int

    @property
    def events(self) -> list[int]:
        """The inbound events the answer will close."""
        return [row.event_id for row in self.decisions]

    @property
    def reopened(self) -> bool:
        """An earlier draft for these was cancelled as stale: the next one is sent."""
        return any(row.reopened for row in self.decisions)


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
        asked = await ctx.db.read(read_asked, ctx, conversation_id)
        if not asked.decisions:
            return Cancel("nothing unanswered")
        if asked.conversation.owner != "ai":
            return Cancel("a person took over", then=partial(leave_to_people, conversation_id=conversation_id))
        point("reply.asked")
        draft = asked.stored or await _draft(ctx, asked)
        point("reply.drafted")
        written = await ctx.db.write(conclude, ctx, asked, draft, last or asked.reopened)
        point("reply.concluded")
        if written:
            break
    return Done()


def read_asked(conn: Connection, ctx: JobContext, conversation_id: int) -> Asked:
    """The open questions of a conversation, its thread, and a draft stored by an earlier try; the index is brought up to date."""
    conversation = conversations.get(conn, conversation_id)
    ctx.index.refresh(conn)
    return Asked(
        conversation,
        decisions.unanswered(conn, conversation_id),
        thread.turns(conn, conversation_id, THREAD),
        ctx.settings(conn),
        drafts.stored(conn, ctx.job.id, conversation.revision),
        drafts.calls(conn, ctx.job.id),
    )


def conclude(conn: Connection, ctx: JobContext, asked: Asked, draft: Draft, last: bool) -> bool:
    """Write what the draft came to; False when it is stale and may be drafted once more.

    Raises ClaimLost when this worker no longer owns the job.
    """
    conversation = conversations.get(conn, asked.conversation.id, lock=True)
    hold(conn, ctx.job)
    waiting = {row.event_id for row in decisions.unanswered(conn, conversation.id)}
    point("reply.held")
    if conversation.owner != "ai":
        leave_to_people(conn, conversation.id)
        return True
    if waiting.isdisjoint(asked.events):
        return True  # a person acted, or the customer took it back: that closed the decisions
    if conversation.revision != asked.conversation.revision and not last:
        return False
    draft_id = drafts.store(conn, draft, conversation.id, ctx.job.id, asked.conversation.revision)
    point("reply.draft_stored")
    block = guard(conn, ctx, Ask(conversation.id, asked.events[-1]), "reply", clock.now())
    if block is not None:
        outcome = "silent" if block.action == "silent" else "handed_over"
        decisions.close(conn, asked.events, outcome, block.guard)
        if outcome == "handed_over":
            hand_over(conn, ctx, conversation.id, block.guard)
    elif draft.outcome == "answer" and draft.text:
        _answer(conn, ctx, asked, draft, draft_id, None if last else conversation.revision)
    else:
        decisions.close(conn, asked.events, "handed_over", draft.reason or "no_ground")
        hand_over(conn, ctx, conversation.id, draft.reason or "no_ground")
    return True


async def _draft(ctx: JobContext, asked: Asked) -> Draft:
    question = Question(
        texts=[row.body for row in asked.decisions],
        language=asked.conversation.language,
        thread=asked.thread,
        calls_left=MODEL_CALLS - asked.calls,
    )
    draft = await respond(question, ctx.index, asked.settings, ctx.http)
    if draft.model:  # a call that cost money is kept before anything else can go wrong
        await ctx.db.write(drafts.store, draft, asked.conversation.id, ctx.job.id, asked.conversation.revision)
    return draft


def _answer(conn: Connection, ctx: JobContext, asked: Asked, draft: Draft, draft_id: int, revision: int | None) -> None:
    """Write the answer and its send; a greeting is its first line, when it is the first thing we say."""
    conversation_id = asked.conversation.id
    first_line = next((row.first_line for row in asked.decisions if row.first_line), None)
    body = draft.text or ""
    if first_line and not messages.has_outbound(conn, conversation_id):
        body = f"{first_line}\n\n{body}"
    tries = max(row.reopened for row in asked.decisions)
    answer = messages.Draft(
        conversation_id=conversation_id,
        author="ai",
        purpose="reply",
        body=body,
        cause=answer_cause(asked.events[0], tries),
        revision=revision,
        job_id=ctx.job.id,
        draft_id=draft_id,
    )
    message_id = outbox.write(conn, answer, asked.conversation.account_id) or messages.by_cause(conn, answer.cause)
    point("reply.answer_written")
    decisions.close(conn, asked.events, "answered", draft.reason or "documents", message_id)
