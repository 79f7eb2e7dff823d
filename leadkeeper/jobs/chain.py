"""The whole story of one job: the message, the rules' runs, the passages and draft, what was sent, the receipts.

Every part is read from its own book; nothing is remembered, so a page shows what the rows say now.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from leadkeeper.ai import sources
from leadkeeper.crm import chain as books
from leadkeeper.crm import spoken
from leadkeeper.crm.spoken import Spoken
from leadkeeper.errors import NotFound
from leadkeeper.queue import listing
from leadkeeper.rules import traces
from leadkeeper.store.prepared import Row

Span = tuple[datetime, datetime]
"""From when to when a job ran."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Rows in the order of the story; a part that does not apply is empty."""

    events: Sequence[Row] = ()
    inbound: Sequence[Spoken] = ()
    decisions: Sequence[Row] = ()
    rule_runs: Sequence[Row] = ()
    drafts: Sequence[Row] = ()
    outbound: Sequence[Spoken] = ()
    receipts: Sequence[Row] = ()


@dataclass(slots=True)
class _Found:
    """Ids gathered on the way through the books."""

    jobs: set[int] = field(default_factory=set)
    events: set[int] = field(default_factory=set)
    outbound: set[int] = field(default_factory=set)
    conversations: set[int] = field(default_factory=set)


def of_job(conn: Connection, job_id: int, job_type: str, data: Mapping[str, Any], span: Span | None = None) -> Chain:
    """The story a job is part of. `span`: when it ran, by which a reply that handed over finds what it decided."""
    found = _Found()
    _add_job(conn, found, job_id, job_type, data, span)
    return _follow(conn, found)


def of_message(conn: Connection, message_id: int) -> Chain:
    """The story of one message, inbound or outbound."""
    found = _Found()
    _add_message(conn, found, message_id)
    return _follow(conn, found)


def _add_job(conn: Connection, found: _Found, job_id: int, job_type: str, data: Mapping[str, Any], span: Span | None) -> None:
    found.jobs.add(job_id)
    event_id, message_id, conversation_id = data.get("eventId"), data.get("messageId"), data.get("conversationId")
    if isinstance(event_id, int):
        found.events.add(event_id)
    elif job_type == "inbound_message":
        stored = books.event_named(conn, "test", f"test:{job_id}")
        found.events |= {stored} if stored is not None else set()
    if isinstance(message_id, int):
        _add_message(conn, found, message_id)
    if isinstance(conversation_id, int):
        found.conversations.add(conversation_id)
        if job_type == "reply" and span is not None:
            found.events |= books.events_closed(conn, conversation_id, *span)


def _add_message(conn: Connection, found: _Found, message_id: int) -> None:
    for message in spoken.listed(conn, [message_id]):
        if message.direction == "out":
            found.outbound.add(message_id)
            if message.purpose == "notice" and message.job_id is not None:
                _add_writer(conn, found, message.job_id)
        elif message.event_id is not None:
            found.events.add(message.event_id)


def _add_writer(conn: Connection, found: _Found, job_id: int) -> None:
    """A hand-over notice answers nothing: what the job that wrote it was about is its story."""
    if job_id in found.jobs:
        return
    with suppress(NotFound):  # finished jobs are deleted in the end; the message stays
        writer = listing.job(conn, job_id)
        _add_job(conn, found, writer.id, writer.type, writer.data, writer.span)


def _follow(conn: Connection, found: _Found) -> Chain:
    """From what a message answered, through what decided it, to everything that came of it."""
    found.conversations |= {row.conversation_id for row in books.decided(conn, found.events) if row.conversation_id}
    found.outbound |= books.written_by(conn, found.jobs, found.conversations)
    found.events |= books.events_answered(conn, found.outbound) | books.events_asked(conn, found.outbound)
    decisions = books.decided(conn, found.events)
    found.outbound |= {row.answer_id for row in decisions if row.answer_id is not None}
    named = {each.rule_run_id for each in spoken.listed(conn, sorted(found.outbound)) if each.rule_run_id is not None}
    rule_runs = traces.of(conn, found.events, named)
    found.outbound |= {row.message_id for row in rule_runs if row.message_id is not None}
    outbound = spoken.listed(conn, sorted(found.outbound))
    return Chain(
        events=books.events(conn, found.events),
        inbound=spoken.listed(conn, books.inbound_of(conn, found.events)),
        decisions=decisions,
        rule_runs=rule_runs,
        drafts=sources.drafts(conn, [each.draft_id for each in outbound if each.draft_id is not None], found.jobs),
        outbound=outbound,
        receipts=books.receipts_of(conn, [each.id for each in outbound]),
    )
