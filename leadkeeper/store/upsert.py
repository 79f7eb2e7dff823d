"""INSERT ... ON CONFLICT, written once for both engines."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Table
from sqlalchemy.dialects import postgresql, sqlite


def _insert(dialect: str, table: Table) -> Any:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def upsert(conn: Connection, table: Table, values: Mapping[str, Any], key: Sequence[str]) -> None:
    """Insert a row, or update every other column of the row with the same `key` columns."""
    statement = _insert(conn.dialect.name, table).values(**values)
    others = {name: statement.excluded[name] for name in values if name not in key}
    conn.execute(statement.on_conflict_do_update(index_elements=list(key), set_=others))


def insert_once(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *returning: Any) -> Sequence[Row[Any]]:
    """Insert rows, skipping those a unique constraint already holds; returns the new ones' columns.

    A repeat is no error: providers deliver for days. The order of the returned rows is undefined.
    """
    if not rows:
        return []
    done = conn.execute(_insert_once(conn.dialect.name, table, returning), list(rows))
    return done.fetchall() if returning else []


@cache
def _insert_once(dialect: str, table: Table, returning: tuple[Any, ...]) -> Any:
    """Built once for each table and set of columns: building it costs more than running it."""
    statement = _insert(dialect, table).on_conflict_do_nothing()
    return statement.returning(*returning) if returning else statement
