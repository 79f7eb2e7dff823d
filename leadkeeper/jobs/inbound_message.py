"""One stored event becomes what it means: a message of a conversation with its decision open, or a change of an older one.

Runs in the order the customer wrote (key `in:<account>:<sender>`), never waits, and decides nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from leadkeeper.channels.base import Inbound, channels
from leadkeeper.crashpoints import point
from leadkeeper.crm import inbound
from leadkeeper.jobs import echoes, later_changes, test_message, undone
from leadkeeper.jobs.context import JobContext
from leadkeeper.jobs.receive import Arrived, receive
from leadkeeper.queue.handlers import job
from leadkeeper.queue.outcomes import Done, Fail, Outcome
from leadkeeper.store.prepared import Row

NOT_MESSAGES: Mapping[str, Callable[[Connection, JobContext, Row, Inbound], None]] = {
    "echo": echoes.echo,
    "edit": later_changes.edit,
    "revoke": later_changes.revoke,
    "reaction": later_changes.react,
    "moved": later_changes.move,
    "preferences": later_changes.prefer,
    "nameless": undone.hand_over_nameless,
    "notice": later_changes.notice,
}

LATE = timedelta(seconds=5)
"""A message this old on arrival was delivered again: what became of it since may have come before it."""


def receive_all(conn: Connection, jobs: Sequence[tuple[JobContext, Mapping[str, Any]]]) -> list[Outcome]:
    """Work off many events: messages together, what is none of them one by one. See `inbound_message`."""
    events_of: dict[int, int] = {}
    for place, (ctx, data) in enumerate(jobs):
        if data.get("event_id") is not None:
            events_of[place] = data["event_id"]
        elif data.get("lead_id") is not None:
            events_of[place] = test_message.store(conn, ctx.job.id, data["lead_id"], data.get("message") or {})
    events = inbound.events_of(conn, list(events_of.values()))
    point("inbound.read")
    arrived = [_read(jobs[place][0], events[event_id]) for place, event_id in events_of.items()]
    for each in receive(conn, [each for each in arrived if each.parsed.kind not in NOT_MESSAGES]):
        if each.event.received_at - each.event.occurred_at > LATE:
            _catch_up(conn, each)
    for each in arrived:
        if each.parsed.kind in NOT_MESSAGES:
            NOT_MESSAGES[each.parsed.kind](conn, each.ctx, each.event, each.parsed)
    nothing = Fail("bad data for inbound_message: eventId or leadId is needed")
    return [Done() if place in events_of else nothing for place in range(len(jobs))]


@job(
    "inbound_message",
    at_once=True,
    together=receive_all,
    when_failed=undone.hand_over_event,
    when_redriven=undone.reopen_event,
)
def inbound_message(
    conn: Connection,
    ctx: JobContext,
    event_id: int | None = None,
    lead_id: int | None = None,
    message: dict[str, Any] | None = None,
) -> Outcome:
    """Work off one event; `leadId` with `message` stores one of the built-in test account first."""
    return receive_all(conn, [(ctx, {"event_id": event_id, "lead_id": lead_id, "message": message})])[0]


def _read(ctx: JobContext, event: Row) -> Arrived:
    return Arrived(ctx, event, channels.get(event.channel).parse(event.kind, event.payload))


def _catch_up(conn: Connection, arrived: Arrived) -> None:
    """Do now what the customer has changed of this message before it came: providers keep no order."""
    for change in inbound.changes_before(conn, arrived.event):
        parsed = channels.get(arrived.event.channel).parse(change.kind, change.payload)
        if parsed.target == arrived.event.external_id:
            NOT_MESSAGES[parsed.kind](conn, arrived.ctx, change, parsed)
