"""Tasks for people. `dedupe` makes a task once: the same cause never gives two."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select, update

from leadkeeper import clock
from leadkeeper.store.schema import tasks as table
from leadkeeper.store.signals import signal
from leadkeeper.store.upsert import insert_once


def add(
    conn: Connection,
    kind: str,
    title: str,
    dedupe: str,
    *,
    reason: str | None = None,
    lead_id: int | None = None,
    conversation_id: int | None = None,
    owner_id: int | None = None,
    due_at: datetime | None = None,
) -> int | None:
    """Make a task; returns its id, or None when this cause has one already."""
    row = {
        "kind": kind,
        "reason": reason,
        "title": title[:300],
        "lead_id": lead_id,
        "conversation_id": conversation_id,
        "owner_id": owner_id,
        "due_at": due_at,
        "dedupe": dedupe,
        "created_at": clock.now(),
    }
    new = insert_once(conn, table, [row], table.c.id)
    signal(conn, "inbox")
    return int(new[0].id) if new else None


def is_open(conn: Connection, causes: str) -> bool:
    """True when a task whose `dedupe` begins so is not done yet."""
    query = select(table.c.id).where(table.c.dedupe.startswith(causes, autoescape=True), table.c.done_at.is_(None))
    return conn.execute(query.limit(1)).first() is not None


def settle(conn: Connection, causes: str, user_id: int | None) -> int:
    """What the tasks whose `dedupe` begins so ask for has come about: they are done; returns how many were open."""
    open_ones = table.c.dedupe.startswith(causes, autoescape=True) & table.c.done_at.is_(None)
    done = conn.execute(update(table).where(open_ones).values(done_at=clock.now(), done_by=user_id))
    signal(conn, "inbox")
    return int(done.rowcount)


def finish(conn: Connection, conversation_id: int, kinds: Sequence[str], user_id: int | None) -> int:
    """Mark the open tasks of these kinds of a conversation as done; returns how many."""
    done = conn.execute(
        update(table)
        .where(table.c.conversation_id == conversation_id, table.c.kind.in_(kinds), table.c.done_at.is_(None))
        .values(done_at=clock.now(), done_by=user_id)
    )
    return int(done.rowcount)
