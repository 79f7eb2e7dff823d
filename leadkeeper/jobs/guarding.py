"""The guards, asked with the facts of this moment: when deciding, and again where the intent is committed."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache

from sqlalchemy import Connection

from leadkeeper.channels.base import channels
from leadkeeper.jobs.context import JobContext
from leadkeeper.rules import history
from leadkeeper.rules.facts import Reach
from leadkeeper.rules.gather import Ask, gather
from leadkeeper.rules.guards import Block, Outgoing, check
from leadkeeper.store.prepared import Row


@cache
def reaches() -> Mapping[str, Reach]:
    """What each channel allows, in the plain values rules read."""
    return {name: Reach(channel.capabilities.window, channel.capabilities.templates) for name, channel in channels.all().items()}


def guard(
    conn: Connection,
    ctx: JobContext,
    conversation_id: int,
    purpose: str,
    now: datetime,
    message: Row | None = None,
    event_id: int | None = None,
) -> Block | None:
    """The first guard that stops a message of this purpose now; None: it may go.

    `message` is the row about to be sent, which does not count against itself; `event_id` the (oldest)
    event it answers.
    """
    about = None
    if message is not None:
        about = Outgoing(
            text=message.body,
            template=message.kind == "template",
            overrides_opt_out=message.purpose == "person",
            revision=message.revision,
            capped_until=_capped_until(conn, message),
        )
    facts = gather(
        conn,
        Ask(conversation_id, event_id, without_message=message.id if message is not None else None),
        now,
        ctx.base,
        reach=reaches(),
        trigger="message.received" if purpose != "proactive" else "send",
    )
    return check(purpose, facts, now, about)


def _capped_until(conn: Connection, message: Row) -> datetime | None:
    if message.purpose != "proactive" or message.rule_run_id is None:
        return None
    return history.capped_until(conn, message.rule_run_id, message.id)
