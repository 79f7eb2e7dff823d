"""INSERT with ON CONFLICT where wanted, and plain changes of one row, written once for both engines.

The statement of a table and set of columns is compiled once. Many rows are one statement on
PostgreSQL (arrays, unnested), on SQLite one after the other: there a statement costs next to nothing.
"""

from collections import namedtuple
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Column, Connection, Table, bindparam, column, func, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import ARRAY

from leadkeeper.store.prepared import Prepared, Row
from leadkeeper.store.types import Id

Returning = tuple[Column[Any], ...]
_LAST = Prepared(text("SELECT last_insert_rowid() AS id").columns(id=Id))


def insert_all(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *returning: Column[Any]) -> list[Row]:
    """Insert rows, which all name the same columns, in their order; returns the `returning` columns, unordered."""
    return _insert(conn, table, rows, returning, once=False)


def insert_once(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *returning: Column[Any]) -> list[Row]:
    """Insert rows, skipping those a unique constraint already holds; returns the new ones' columns, unordered.

    A repeat is no error: providers deliver for days.
    """
    return _insert(conn, table, rows, returning, once=True)


def upsert(conn: Connection, table: Table, values: Mapping[str, Any], key: Sequence[str]) -> None:
    """Insert a row, or update every other column of the row with the same `key` columns."""
    _upsert(table, tuple(values), tuple(key)).run(conn, **values)


def change_row(conn: Connection, table: Table, row_id: int, **values: Any) -> None:
    """Give columns of the row with this id new values."""
    _change(table, tuple(values)).run(conn, row_id=row_id, **values)


def _insert(conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]], returning: Returning, *, once: bool) -> list[Row]:
    if not rows:
        return []
    names = tuple(rows[0])
    if len(rows) > 1 and conn.dialect.name == "postgresql":
        arrays = {name: [row[name] for row in rows] for name in names}
        return _run(conn, _insert_many(table, names, returning, once), arrays, returning)
    if len(rows) > 1 and "id" not in names and (not returning or "id" in [column.key for column in returning]):
        return _insert_in_a_row(conn, table, rows, returning, once=once)
    one = _insert_one(table, names, returning, once)
    return [new for row in rows for new in _run(conn, one, row, returning)]


def _insert_in_a_row(
    conn: Connection, table: Table, rows: Sequence[Mapping[str, Any]], returning: Returning, *, once: bool
) -> list[Row]:
    """SQLite's: its one writer gives the ids one after the other, so they need not be asked for row by row.

    Only where some rows were there already is it asked which are new.
    """
    before = _greatest(table).scalar(conn) if returning and once else 0
    count = _insert_one(table, tuple(rows[0]), (), once).many(conn, rows)
    if not returning or not count:
        return []
    if count < len(rows):
        return _above(table, returning).all(conn, before=before)
    last = _LAST.one(conn).id
    names = [column.key for column in returning]
    make: Any = _shape(tuple(names))._make
    return [make([new if name == "id" else row[name] for name in names]) for new, row in enumerate(rows, last - count + 1)]


@cache
def _shape(names: tuple[str, ...]) -> Any:
    return namedtuple("Row", names)


@cache
def _greatest(table: Table) -> Prepared:
    return Prepared(select(func.coalesce(func.max(table.c.id), 0)))


@cache
def _above(table: Table, returning: Returning) -> Prepared:
    return Prepared(select(*returning).where(table.c.id > bindparam("before")))


def _run(conn: Connection, statement: Prepared, values: Mapping[str, Any], returning: Returning) -> list[Row]:
    if returning:
        return statement.all(conn, **values)
    statement.run(conn, **values)
    return []


@cache
def _insert_one(table: Table, names: tuple[str, ...], returning: Returning, once: bool) -> Prepared:
    def build(dialect: str) -> Any:
        statement = _into(dialect, table).values({name: bindparam(name) for name in names})
        return _ending(statement, returning, once)

    return Prepared(build)


@cache
def _insert_many(table: Table, names: tuple[str, ...], returning: Returning, once: bool) -> Prepared:
    """PostgreSQL's: ids rise in the order of the rows."""
    kinds = {name: table.c[name].type for name in names}
    arrays = [bindparam(name, type_=ARRAY(kind, dimensions=1)) for name, kind in kinds.items()]
    shape = [column(name, kind) for name, kind in kinds.items()]
    given = func.unnest(*arrays).table_valued(*shape, with_ordinality="place").render_derived(name="given")
    rows = select(*(given.c[name] for name in names)).order_by(given.c.place)
    return Prepared(_ending(_into("postgresql", table).from_select(list(names), rows), returning, once))


@cache
def _change(table: Table, names: tuple[str, ...]) -> Prepared:
    values = {name: bindparam(name, type_=table.c[name].type) for name in names}
    return Prepared(update(table).where(table.c.id == bindparam("row_id")).values(values))


@cache
def _upsert(table: Table, names: tuple[str, ...], key: tuple[str, ...]) -> Prepared:
    def build(dialect: str) -> Any:
        statement = _into(dialect, table).values({name: bindparam(name) for name in names})
        others = {name: statement.excluded[name] for name in names if name not in key}
        return statement.on_conflict_do_update(index_elements=list(key), set_=others)

    return Prepared(build)


def _into(dialect: str, table: Table) -> Any:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def _ending(statement: Any, returning: Returning, once: bool) -> Any:
    if once:
        statement = statement.on_conflict_do_nothing()
    return statement.returning(*returning) if returning else statement
