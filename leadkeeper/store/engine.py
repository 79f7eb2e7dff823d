"""Engines: how a connection to SQLite or PostgreSQL is opened, for writing and for reading.

What a statement was given (texts of customers, tokens) is never part of an error: errors are stored and logged.
"""

import json
from json.scanner import make_scanner
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, exc
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.pool import ConnectionPoolEntry

from leadkeeper.errors import Damaged, Misconfigured, Unavailable
from leadkeeper.store.address import servers
from leadkeeper.store.prepared import run_text

DAMAGE = ("SQLITE_NOTADB", "SQLITE_CORRUPT")
WRITERS = 8
"""PostgreSQL connections that write; SQLite has one writer."""
READERS = 6


def one_line(error: BaseException | None) -> str:
    """What a driver says, without the line breaks and indents it likes."""
    return " ".join(str(error).split())


_dumps = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_scan: Any = make_scanner(json.JSONDecoder())  # type: ignore[arg-type]


def _loads(stored: str) -> Any:
    """What `_dumps` wrote: no white space around it, so none is looked for."""
    return _scan(stored, 0)[0]


def writing_engine(url: URL) -> Engine:
    """Connections that write. On SQLite every transaction begins IMMEDIATE and commits with a full fsync."""
    if url.get_backend_name() == "sqlite":
        _make_folder(Path(str(url.database)).parent)
        engine = create_engine(
            url,
            json_serializer=_dumps,
            json_deserializer=_loads,
            hide_parameters=True,
            pool_size=1,
            max_overflow=1,
            connect_args={"check_same_thread": False, "timeout": 10},
        )
        event.listen(engine, "connect", _open_sqlite)
        event.listen(engine, "begin", _begin_immediate)
        return engine
    engine = create_engine(
        url, json_serializer=_dumps, hide_parameters=True, pool_size=WRITERS, max_overflow=2, connect_args=_postgres("write", url)
    )
    event.listen(engine, "handle_error", _without_values)
    return engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(f"LEADKEEPER_DATABASE_URL: the folder {folder} cannot be made: {error.strerror}") from error


def reading_engine(url: URL) -> Engine:
    """Connections that cannot write; one transaction sees one snapshot."""
    if url.get_backend_name() == "sqlite":
        engine = create_engine(
            url,
            json_serializer=_dumps,
            json_deserializer=_loads,
            hide_parameters=True,
            pool_size=READERS,
            max_overflow=READERS,
            connect_args={"check_same_thread": False, "timeout": 10},
        )
        event.listen(engine, "connect", _open_sqlite_reader)
        event.listen(engine, "begin", _begin)
        return engine
    return create_engine(
        url,
        json_serializer=_dumps,
        hide_parameters=True,
        pool_size=READERS,
        max_overflow=READERS,
        isolation_level="REPEATABLE READ",
        execution_options={"postgresql_readonly": True},
        connect_args=_postgres("read", url),
    )


def _without_values(context: ExceptionContext) -> None:
    """PostgreSQL names the failing row, or the text it could not read, in an error's detail: only its first line stays."""
    original, wrapped = context.original_exception, context.sqlalchemy_exception
    primary = getattr(getattr(original, "diag", None), "message_primary", None)
    if primary and wrapped is not None:
        original.args = (primary,)
        wrapped.args = (f"({type(original).__module__}.{type(original).__name__}) {primary}",)


def _postgres(name: str, url: URL) -> dict[str, object]:
    """A process that stands still inside a transaction lets go of its rows within 10 s: before its leases run out."""
    limits = "-c idle_in_transaction_session_timeout=10000 -c lock_timeout=10000 -c statement_timeout=60000"
    return {"application_name": f"leadkeeper-{name}", "options": limits, **reaching(url)}


def reaching(url: URL) -> dict[str, int]:
    """How long a PostgreSQL server may take to answer a connection, and to be silent on one.

    One that vanishes without a word is given up after ten seconds, where the kernel would wait for many
    minutes; of several servers, one that is gone must not keep us from the others.
    """
    silence = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}
    return {"connect_timeout": 5 if servers(url) == 1 else 2, **silence}


def _open_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY", "cache_size=-16000"):
        connection.execute(f"PRAGMA {pragma}")


def _open_sqlite_reader(connection: Any, entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None
    for pragma in ("query_only=ON", "temp_store=MEMORY", "cache_size=-8000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(conn: Connection) -> None:
    run_text(conn, "BEGIN IMMEDIATE")


def _begin(conn: Connection) -> None:
    run_text(conn, "BEGIN")


def is_broken(error: BaseException) -> bool:
    """True when the connection is gone: unless that was in COMMIT, nothing of its transaction is there."""
    return isinstance(error, exc.DBAPIError) and error.connection_invalidated


def is_worth_another_try(error: BaseException) -> bool:
    """True for a deadlock, and for a connection that broke before COMMIT: nothing of the transaction is there."""
    state = getattr(error.orig, "sqlstate", None) if isinstance(error, exc.DBAPIError) else None
    return is_broken(error) or state in ("40P01", "40001")


def as_ours(error: BaseException, doing: str) -> BaseException:
    """Outages and damage become Unavailable (503), `doing` being read or written; everything else is handed on as it is."""
    if isinstance(error, exc.OperationalError | exc.InterfaceError):
        ours = Unavailable(f"the database cannot be {doing}: {one_line(error.orig)}")
        ours.__cause__ = error
        return ours
    if isinstance(error, exc.DatabaseError) and getattr(error.orig, "sqlite_errorname", "").startswith(DAMAGE):
        ours = Damaged(f"the database file is damaged: {one_line(error.orig)}. Stop, put it aside, and restore your backup")
        ours.__cause__ = error
        return ours
    return error
