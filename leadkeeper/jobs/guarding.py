"""The guards, asked with the facts of this moment: when deciding, and again where the intent is committed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import Connection

from leadkeeper.channels.base import channels
from leadkeeper.jobs.context import JobContext
from leadkeeper.rules import history
from leadkeeper.rules.facts import Facts, Reach
from leadkeeper.rules.gather import Ask, gather_all
from leadkeeper.rules.guards import Block, Outgoing, check
from leadkeeper.store.prepared import Row


@cache
def reaches() -> Mapping[str, Reach]:
    """What each channel allows, in the plain values rules read."""
    return {name: Reach(channel.capabilities.window, channel.capabilities.templates) for name, channel in channels.all().items()}


def guard(conn: Connection, ctx: JobContext, asked: Ask, purpose: str, now: datetime) -> Block | None:
    """The first guard that stops a message of this purpose, not written yet; None: it may go."""
    return check(purpose, facts_of(conn, ctx, [asked], purpose, now)[0], now)


def guards_of(conn: Connection, ctx: JobContext, messages: Sequence[Row], now: datetime) -> list[Block | None]:
    """The first guard that stops each of these messages that are about to be sent, in order; None: it may go.

    A message does not count against itself. `answers` of its row is the oldest event it answers.
    """
    blocks: dict[int, Block | None] = {}
    for proactive in (False, True):
        some = [row for row in messages if (row.purpose == "proactive") is proactive]
        asked = [Ask(row.conversation_id, row.answers, without_message=row.id) for row in some]
        facts = facts_of(conn, ctx, asked, "proactive" if proactive else "reply", now) if asked else []
        for row, known in zip(some, facts, strict=True):
            blocks[row.id] = check(row.purpose, known, now, _outgoing(conn, row))
    return [blocks[row.id] for row in messages]


def facts_of(conn: Connection, ctx: JobContext, asked: Sequence[Ask], purpose: str, now: datetime) -> list[Facts]:
    """The facts the guards of a message of this purpose are asked with, in order."""
    trigger = "send" if purpose == "proactive" else "message.received"
    return gather_all(conn, asked, now, ctx.base, reach=reaches(), trigger=trigger)


def _outgoing(conn: Connection, message: Row) -> Outgoing:
    return Outgoing(
        text=message.body,
        template=message.kind == "template",
        overrides_opt_out=message.purpose == "person",
        revision=message.revision,
        capped_until=_capped_until(conn, message),
    )


def _capped_until(conn: Connection, message: Row) -> datetime | None:
    if message.purpose != "proactive" or message.rule_run_id is None:
        return None
    return history.capped_until(conn, message.rule_run_id, message.id)
