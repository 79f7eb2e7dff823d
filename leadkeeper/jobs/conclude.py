"""Writing what drafts came to: an answer with the job that sends it, or a hand-over. One transaction, many replies."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.ai import drafts
from leadkeeper.ai.drafts import Draft, Kept
from leadkeeper.config import Settings
from leadkeeper.crashpoints import point
from leadkeeper.crm import composing, conversations, decisions, outbox
from leadkeeper.crm.chain import answer_cause
from leadkeeper.jobs.context import JobContext
from leadkeeper.jobs.delivery import leave_to_people
from leadkeeper.jobs.guarding import facts_of
from leadkeeper.jobs.hand_over import hand_over
from leadkeeper.queue.fence import hold
from leadkeeper.rules.facts import Facts
from leadkeeper.rules.gather import Ask
from leadkeeper.rules.guards import check
from leadkeeper.store.prepared import Row


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


@dataclass(frozen=True, slots=True)
class Drafted:
    """A reply job with its draft. `last`: it is written even when the customer has written meanwhile."""

    ctx: JobContext
    asked: Asked
    draft: Draft
    last: bool

    @property
    def conversation_id(self) -> int:
        """Whom it is for."""
        return int(self.asked.conversation.id)

    def kept(self) -> Kept:
        """The draft with what it was made for."""
        return Kept(self.draft, self.conversation_id, self.ctx.job.id, self.asked.conversation.revision)


def conclude(conn: Connection, drafted: Sequence[Drafted]) -> list[bool]:
    """Write what each draft came to; False where one is stale and may be drafted once more.

    Raises ClaimLost when this worker no longer owns one of the jobs.
    """
    ids = [each.conversation_id for each in drafted]
    rows = conversations.locked(conn, ids)
    hold(conn, *(each.ctx.job for each in drafted))
    waiting = decisions.unanswered_of(conn, ids)
    point("reply.held")
    concluded = [True] * len(drafted)
    going: list[Drafted] = []
    for place, each in enumerate(drafted):
        row = rows[each.conversation_id]
        if row.owner != "ai":
            leave_to_people(conn, row.id)
        elif not {open_one.event_id for open_one in waiting[row.id]}.isdisjoint(each.asked.events):
            if row.revision == each.asked.conversation.revision or each.last:
                going.append(each)
            else:
                concluded[place] = False
        # else a person acted, or the customer took it back: that closed the decisions
    if going:
        _write(conn, going, rows)
    return concluded


def _write(conn: Connection, going: Sequence[Drafted], rows: dict[int, Row]) -> None:
    kept = drafts.store(conn, [each.kept() for each in going])
    point("reply.draft_stored")
    now = clock.now()
    asks = [Ask(each.conversation_id, each.asked.events[-1]) for each in going]
    answers: list[tuple[Drafted, composing.Draft]] = []
    for each, facts in zip(going, facts_of(conn, going[0].ctx, asks, "reply", now), strict=True):
        block = check("reply", facts, now)
        if block is not None and block.action == "silent":
            decisions.close(conn, each.asked.events, "silent", block.guard)
        elif block is not None or each.draft.outcome != "answer" or not each.draft.text:
            _hand_over(conn, each, block.guard if block is not None else each.draft.reason or "no_ground")
        else:
            answers.append((each, _answer(each, facts, rows[each.conversation_id].revision, kept[each.ctx.job.id])))
    if answers:
        _send(conn, answers)


def _hand_over(conn: Connection, drafted: Drafted, reason: str) -> None:
    decisions.close(conn, drafted.asked.events, "handed_over", reason)
    hand_over(conn, drafted.ctx, drafted.conversation_id, reason, event_id=drafted.asked.events[0])


def _answer(drafted: Drafted, facts: Facts, revision: int, draft_id: int) -> composing.Draft:
    """The answer; a greeting is its first line, when it is the first thing we say."""
    asked = drafted.asked
    first_line = next((row.first_line for row in asked.decisions if row.first_line), None)
    body = drafted.draft.text or ""
    return composing.Draft(
        conversation_id=drafted.conversation_id,
        author="ai",
        purpose="reply",
        body=f"{first_line}\n\n{body}" if first_line and not facts.spoken else body,
        cause=answer_cause(asked.events[0], max(row.reopened for row in asked.decisions)),
        revision=None if drafted.last else revision,
        job_id=drafted.ctx.job.id,
        draft_id=draft_id,
    )


def _send(conn: Connection, answers: Sequence[tuple[Drafted, composing.Draft]]) -> None:
    new = outbox.write_all(conn, [(message, each.asked.conversation.account_id) for each, message in answers])
    point("reply.answer_written")
    closed: list[tuple[int, str, int]] = []
    for each, message in answers:
        message_id = new.get(message.cause) or composing.by_cause(conn, message.cause)
        assert message_id is not None  # noqa: S101 - its cause has a message, ours or an earlier one
        closed += [(event_id, each.draft.reason or "documents", message_id) for event_id in each.asked.events]
    decisions.answer(conn, closed)
