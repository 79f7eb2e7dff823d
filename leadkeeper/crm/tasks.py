"""Tasks for people. `dedupe` makes a task once: the same cause never gives two."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, update

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


def finish(conn: Connection, conversation_id: int, kinds: Sequence[str], user_id: int | None) -> int:
    """Mark the open tasks of these kinds of a conversation as done; returns how many."""
    done = conn.execute(
        update(table)
        .where(table.c.conversation_id == conversation_id, table.c.kind.in_(kinds), table.c.done_at.is_(None))
        .values(done_at=clock.now(), done_by=user_id)
    )
    return int(done.rowcount)
