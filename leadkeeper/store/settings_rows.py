"""Settings kept in the database, and small facts of the business (name, hours) beside them."""

from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import Connection, bindparam, delete, select

from leadkeeper import clock
from leadkeeper.config import Settings, effective
from leadkeeper.store.prepared import Prepared
from leadkeeper.store.remembered import remembered
from leadkeeper.store.schema import settings as table
from leadkeeper.store.signals import signal
from leadkeeper.store.upsert import upsert


def load(conn: Connection) -> Mapping[str, Any]:
    """Every stored setting by name; the same for a whole transaction, unless it changes one."""
    return remembered(conn, "settings", "rows", lambda: {row.name: row.value for row in _ALL.all(conn)})


def get(conn: Connection, name: str, default: Any = None, *, lock: Literal["read", "write"] | None = None) -> Any:
    """One stored setting, or `default`. With `lock` nobody else changes a stored row until commit."""
    if lock is None:
        return load(conn).get(name, default)
    row = _GET[lock].first(conn, name=name)
    return default if row is None else row.value


def save(conn: Connection, name: str, value: Any, user_id: int | None = None) -> None:
    """Store one setting; signals `settings`."""
    upsert(conn, table, {"name": name, "value": value, "updated_at": clock.now(), "updated_by": user_id}, key=("name",))
    signal(conn, "settings")


def forget(conn: Connection, name: str) -> None:
    """Remove one stored setting: its default is in force again; signals `settings`."""
    conn.execute(delete(table).where(table.c.name == name))
    signal(conn, "settings")


def current(conn: Connection, base: Settings) -> Settings:
    """The settings in force: the process's own, then the database's."""
    return effective(base, load(conn))


_ONE = select(table.c.value).where(table.c.name == bindparam("name"))
_GET = {
    "read": Prepared(_ONE.with_for_update(read=True)),
    "write": Prepared(_ONE.with_for_update()),
}
_ALL = Prepared(select(table.c.name, table.c.value))
