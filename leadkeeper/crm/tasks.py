"""Tasks for people. `dedupe` makes a task once: the same cause never gives two.

A hand-over's task lives and dies with its conversation, which the inbox shows; all others stand in the list
of what is to do until a person ticks them off.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, update

from leadkeeper import clock
from leadkeeper.errors import NotFound
from leadkeeper.store.schema import contacts, leads, users
from leadkeeper.store.schema import tasks as table
from leadkeeper.store.signals import signal
from leadkeeper.store.upsert import insert_once


@dataclass(frozen=True, slots=True)
class Task:
    """One task as the list shows it. `due_at` None: at once; `done_by`: the name of who ticked it off."""

    id: int
    kind: str
    title: str
    lead_id: int | None
    conversation_id: int | None
    contact_name: str | None
    owner_name: str | None
    due_at: datetime | None
    done_at: datetime | None
    done_by: str | None
    created_at: datetime


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


def unsettle(conn: Connection, causes: str) -> bool:
    """The newest task whose `dedupe` begins so is to do again; False when there is none."""
    newest = select(func.max(table.c.id)).where(table.c.dedupe.startswith(causes, autoescape=True)).scalar_subquery()
    opened = conn.execute(update(table).where(table.c.id == newest).values(done_at=None, done_by=None))
    signal(conn, "inbox")
    return bool(opened.rowcount)


def finish(conn: Connection, conversation_id: int, kinds: Sequence[str], user_id: int | None) -> int:
    """Mark the open tasks of these kinds of a conversation as done; returns how many."""
    done = conn.execute(
        update(table)
        .where(table.c.conversation_id == conversation_id, table.c.kind.in_(kinds), table.c.done_at.is_(None))
        .values(done_at=clock.now(), done_by=user_id)
    )
    return int(done.rowcount)


def to_do(conn: Connection, after: int = 0, limit: int = 50) -> list[Task]:
    """Open tasks, the oldest first, beyond the id `after`."""
    return _read(conn, and_(_open(), table.c.id > after), table.c.id, limit)


def done(conn: Connection, before: int | None = None, limit: int = 50) -> list[Task]:
    """Tasks that are done, the newest first, below the id `before`."""
    which = and_(_listed(), table.c.done_at.is_not(None))
    if before is not None:
        which = and_(which, table.c.id < before)
    return _read(conn, which, table.c.id.desc(), limit)


def of_conversation(conn: Connection, conversation_id: int) -> list[Task]:
    """What is to do in one conversation."""
    return _read(conn, and_(_open(), table.c.conversation_id == conversation_id), table.c.id, 20)


def count_open(conn: Connection) -> int:
    """How many tasks wait."""
    return int(conn.execute(select(func.count()).where(_open())).scalar_one())


def tick(conn: Connection, task_id: int, user_id: int) -> None:
    """A person has done it. Raises NotFound."""
    _set(conn, task_id, clock.now(), user_id)


def untick(conn: Connection, task_id: int) -> None:
    """It is to do again. Raises NotFound."""
    _set(conn, task_id, None, None)


def _set(conn: Connection, task_id: int, at: datetime | None, user_id: int | None) -> None:
    changed = conn.execute(update(table).where(table.c.id == task_id).values(done_at=at, done_by=user_id))
    if not changed.rowcount:
        raise NotFound(f"there is no task {task_id}")
    signal(conn, "inbox")


def _listed() -> ColumnElement[bool]:
    return or_(table.c.kind != "handover", table.c.conversation_id.is_(None))


def _open() -> ColumnElement[bool]:
    return and_(_listed(), table.c.done_at.is_(None))


def _read(conn: Connection, which: ColumnElement[bool], order: ColumnElement[int], limit: int) -> list[Task]:
    owners, doers = users.alias("owners"), users.alias("doers")
    joined = (
        table.outerjoin(leads, leads.c.id == table.c.lead_id)
        .outerjoin(contacts, contacts.c.id == leads.c.contact_id)
        .outerjoin(owners, owners.c.id == table.c.owner_id)
        .outerjoin(doers, doers.c.id == table.c.done_by)
    )
    query = select(
        table.c.id, table.c.kind, table.c.title, table.c.lead_id, table.c.conversation_id, contacts.c.name.label("contact_name"),
        owners.c.name.label("owner_name"), table.c.due_at, table.c.done_at, doers.c.name.label("done_by"), table.c.created_at,
    )  # fmt: skip
    rows = conn.execute(query.select_from(joined).where(which).order_by(order).limit(limit))
    return [Task(**row._mapping) for row in rows]
