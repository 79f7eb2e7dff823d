"""Statements of the hot path: written in SQLAlchemy Core, compiled once per engine, run by the driver.

Building a Core statement anew for each call costs 60 to 100 microseconds, running one that was built
once 17 to 27, the driver itself 2 to 4 (SQLite, measured here; docs/decisions/0014). So what runs
for every message is a constant of its module:

    _GET = Prepared(select(messages).where(messages.c.id == bindparam("id")))
    _GET.first(conn, id=7)

The transaction is that of `conn`, as for any other statement. Parameters and results pass through
the column types. A list of values is a table (`store/given.py`), never an `IN` of changing length.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn, Protocol

from sqlalchemy import ColumnElement, Connection, Dialect, Executable, Float, literal_column
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import ARRAY, TypeEngine

from leadkeeper.store.arrays import array_of
from leadkeeper.store.types import Instant, micros_of, moment_of

FLOAT8 = 701
"""PostgreSQL's number of the type of our `Float` columns."""
Values = Mapping[str, Any]
_Processor = Callable[[Any], Any]


class Row(Protocol):
    """A row of any statement: its columns are its attributes."""

    def __getattr__(self, name: str) -> Any:
        """The column of that name."""

    def __getitem__(self, place: int) -> Any:
        """The column at that place."""

    def __iter__(self) -> Iterator[Any]:
        """The columns in order."""


class Prepared:
    """One statement; `statement` may be a function of the dialect's name where the engines differ.

    Its rows are named tuples; `into` names a class of them with the same columns. Every bound name
    without a value in the statement must be given with each call: TypeError else.
    """

    def __init__(self, statement: Executable | Callable[[str], Executable], into: type[NamedTuple] | None = None) -> None:
        self._statement = statement
        self._into = into
        self._compiled: dict[str, _Compiled] = {}

    def all(self, conn: Connection, **values: Any) -> list[Row]:
        """Every row."""
        compiled, cursor = self._run(conn, values)
        return compiled.rows(cursor.fetchall())

    def first(self, conn: Connection, **values: Any) -> Row | None:
        """The first row, None when there is none."""
        compiled, cursor = self._run(conn, values)
        found = cursor.fetchone()
        return None if found is None else compiled.rows((found,))[0]

    def one(self, conn: Connection, **values: Any) -> Row:
        """The only row. Raises LookupError when there is none."""
        row = self.first(conn, **values)
        if row is None:
            raise LookupError("a row that must be there is not")
        return row

    def scalar(self, conn: Connection, **values: Any) -> Any:
        """The first column of the first row, None when there is none."""
        row = self.first(conn, **values)
        return None if row is None else row[0]

    def scalars(self, conn: Connection, **values: Any) -> list[Any]:
        """The first column of every row."""
        return [row[0] for row in self.all(conn, **values)]

    def run(self, conn: Connection, **values: Any) -> int:
        """Run it for its effect; how many rows it changed."""
        return int(self._run(conn, values)[1].rowcount)

    def many(self, conn: Connection, rows: Sequence[Values]) -> int:
        """Run it once for each of `rows`, for its effect; how many rows it changed."""
        if not rows:
            return 0
        compiled = self._for(conn)
        parameters = [compiled.parameters(row) for row in rows]
        driver = _driver(conn)
        cursor = driver.cursor()
        try:
            cursor.executemany(compiled.sql, parameters)
        except conn.dialect.loaded_dbapi.Error as error:
            _raise_as_ours(conn, compiled.sql, cursor, error)
        return int(cursor.rowcount)

    def _run(self, conn: Connection, values: Values) -> "tuple[_Compiled, Any]":
        compiled = self._for(conn)
        cursor = _driver(conn).cursor()
        try:
            cursor.execute(compiled.sql, compiled.parameters(values))
        except conn.dialect.loaded_dbapi.Error as error:
            _raise_as_ours(conn, compiled.sql, cursor, error)
        return compiled, cursor

    def _for(self, conn: Connection) -> "_Compiled":
        dialect = conn.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            statement = self._statement if isinstance(self._statement, Executable) else self._statement(dialect.name)
            compiled = self._compiled[dialect.name] = _Compiled(statement, dialect, self._into)
        return compiled


def among(column: ColumnElement[Any], words: Iterable[str]) -> ColumnElement[bool]:
    """True of rows whose `column` is one of these constant words, in a text that never changes its length."""
    return column.in_([literal_column(f"'{word}'") for word in words if word.isidentifier()])


def run_text(conn: Connection, sql: str) -> None:
    """Hand a text without parameters to the driver, whatever transaction there is (BEGIN itself)."""
    cursor = conn.connection.cursor()
    try:
        cursor.execute(sql)
    except conn.dialect.loaded_dbapi.Error as error:
        _raise_as_ours(conn, sql, cursor, error)


class _Compiled:
    """A statement of one engine: its text, how parameters are put in, how rows come out."""

    __slots__ = ("_given", "_names", "_processors", "_row", "_template", "sql")

    def __init__(self, statement: Executable, dialect: Dialect, into: type[NamedTuple] | None) -> None:
        compiled = statement.compile(dialect=dialect)  # type: ignore[attr-defined]
        if not isinstance(compiled, SQLCompiler) or compiled.post_compile_params:
            raise TypeError("a prepared statement has a fixed text: give lists of values as a table")
        self.sql = str(compiled)
        self._template, self._given = _binds(compiled)
        self._names = {name for _, name, _ in self._given}
        columns = compiled._result_columns
        names = [column.keyname for column in columns]
        if into is not None and list(into._fields) != names:
            raise TypeError(f"{into.__name__} has the columns {into._fields}, not {names}")
        self._row: Any = into or (namedtuple("Row", names, rename=True) if columns else None)
        processors = [_result_processor(column.type, dialect) for column in columns]
        self._processors = [(place, process) for place, process in enumerate(processors) if process is not None]

    def parameters(self, values: Values) -> Any:
        """What the driver is given: by place on SQLite, by name on PostgreSQL."""
        if values.keys() != self._names:
            raise TypeError(f"parameters {sorted(values)} given, {sorted(self._names)} wanted")
        filled = self._template.copy()
        for place, name, process in self._given:
            value = values[name]
            filled[place] = value if process is None else process(value)
        return filled

    def rows(self, found: Sequence[Any]) -> list[Row]:
        """The driver's rows as ours."""
        make = self._row._make
        if not self._processors:
            return [make(row) for row in found]
        rows = []
        for row in found:
            cells = list(row)
            for place, process in self._processors:
                cells[place] = process(cells[place])
            rows.append(make(cells))
        return rows


def _binds(compiled: SQLCompiler) -> tuple[Any, list[tuple[Any, str, _Processor | None]]]:
    """(the parameters with every constant filled in, (place, name, processor) of those to be given)."""
    by_place = compiled.positiontup
    places: Iterable[tuple[Any, str]] = enumerate(by_place) if by_place is not None else ((name, name) for name in compiled.binds)
    template: Any = dict.fromkeys(compiled.binds) if by_place is None else [None] * len(by_place)
    given: list[tuple[Any, str, _Processor | None]] = []
    for place, name in places:
        bind = compiled.binds[name]
        process: Any = compiled._bind_processors.get(name)
        if isinstance(bind.type, Instant):
            process = micros_of
        elif isinstance(bind.type, ARRAY):
            process = array_of(bind.type.item_type, compiled.dialect)
        if bind.required:
            given.append((place, name, process))
        else:
            value = bind.effective_value
            template[place] = value if process is None else process(value)
    return template, given


def _result_processor(kind: TypeEngine[Any], dialect: Dialect) -> _Processor | None:
    """What makes a column's value of the driver's; a PostgreSQL float asks for the number of its type."""
    if isinstance(kind, Instant):
        return moment_of
    return kind._cached_result_processor(dialect, FLOAT8 if isinstance(kind, Float) else None)


def _driver(conn: Connection) -> DBAPIConnection:
    """The driver's connection, inside the transaction of `conn`."""
    if not conn.in_transaction():
        conn.begin()
    return conn.connection.dbapi_connection  # type: ignore[return-value]


def _raise_as_ours(conn: Connection, sql: str, cursor: Any, error: BaseException) -> NoReturn:
    """What SQLAlchemy does with a driver's error: wrap it, hide the parameters, give a broken connection up."""
    conn._handle_dbapi_exception(error, sql, None, cursor, None)
    raise AssertionError from error
