"""Message templates a provider has approved, or has paused meanwhile."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select, update

from leadkeeper import clock
from leadkeeper.store.prepared import Row
from leadkeeper.store.schema import templates as table
from leadkeeper.store.signals import signal


def of_channel(conn: Connection, channel: str) -> Sequence[Row]:
    """Every template of a channel by name and language."""
    query = select(table).where(table.c.channel == channel).order_by(table.c.name, table.c.language)
    return conn.execute(query).fetchall()


def get(conn: Connection, template_id: int) -> Row | None:
    """One template, whatever its status."""
    return conn.execute(select(table).where(table.c.id == template_id)).first()


def approved(conn: Connection, channel: str, name: str, language: str) -> Row | None:
    """The approved template of that name, in the language or else in English; None when there is none."""
    rows = conn.execute(
        select(table).where(table.c.channel == channel, table.c.name == name, table.c.status == "approved").order_by(table.c.id)
    ).fetchall()
    for wanted in (language, "en"):
        for row in rows:
            if row.language.replace("-", "_").split("_", 1)[0].lower() == wanted:
                return row
    return rows[0] if rows else None


def other_language(conn: Connection, channel: str, template: Mapping[str, Any]) -> Row | None:
    """The same approved template in another language, English before the others; None when there is none."""
    query = select(table).where(table.c.channel == channel, table.c.name == template["name"], table.c.status == "approved")
    others = conn.execute(query.where(table.c.language != template["language"]).order_by(table.c.id)).fetchall()
    return min(others, key=lambda row: not row.language.lower().startswith("en"), default=None)


def set_status(conn: Connection, channel: str, name: str, status: str) -> bool:
    """What the provider says of a template now (approved, paused, disabled, ...); rules use approved ones only."""
    changed = conn.execute(
        update(table)
        .where(table.c.channel == channel, table.c.name == name, table.c.status != status)
        .values(status=status, updated_at=clock.now())
    )
    if changed.rowcount:
        signal(conn, "channels")
    return bool(changed.rowcount)
