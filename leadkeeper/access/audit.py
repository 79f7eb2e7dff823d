"""Who did what: one row for each act of an operator that changes something."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from leadkeeper import clock
from leadkeeper.store.prepared import Row
from leadkeeper.store.schema import audit_log as table
from leadkeeper.store.schema import users


def record(
    conn: Connection, action: str, user_id: int | None, subject: str | None = None, address: str | None = None, **data: Any
) -> None:
    """Write one act in the transaction that does it. `data` holds ids and values, never message text or secrets."""
    row = {"action": action, "user_id": user_id, "subject": subject, "data": data, "address": address, "at": clock.now()}
    conn.execute(insert(table).values(**row))


def recent(conn: Connection, limit: int = 50, before: int | None = None) -> list[Row]:
    """The newest acts first, with the user's name; `before` is the id of the last one seen."""
    names = users.c.name.label("user_name")
    query = select(table, names).join(users, users.c.id == table.c.user_id, isouter=True)
    if before is not None:
        query = query.where(table.c.id < before)
    return list(conn.execute(query.order_by(table.c.id.desc()).limit(limit)))


def last_of(conn: Connection, action: str) -> datetime | None:
    """When an act of this kind was last done."""
    return conn.execute(select(table.c.at).where(table.c.action == action).order_by(table.c.id.desc()).limit(1)).scalar()


def last_with(conn: Connection, action: str, subject: str) -> dict[str, Any] | None:
    """What was written beside the last act of this kind on this subject."""
    query = select(table.c.data).where(table.c.action == action, table.c.subject == subject)
    found: dict[str, Any] | None = conn.execute(query.order_by(table.c.id.desc()).limit(1)).scalar_one_or_none()
    return found
