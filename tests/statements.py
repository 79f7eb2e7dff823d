"""What a function asks the database, as the driver is told it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection


@contextmanager
def statements(conn: Connection) -> Iterator[list[str]]:
    """The statements the driver runs meanwhile, with their parameters put in."""
    seen: list[str] = []

    def keep(statement: str) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "UPDATE", "INSERT", "DELETE", "WITH")):
            seen.append(statement)

    driver: Any = conn.connection.dbapi_connection
    if conn.dialect.name == "sqlite":
        driver.set_trace_callback(keep)
        try:
            yield seen
        finally:
            driver.set_trace_callback(None)
        return

    class Told(psycopg.ClientCursor[Any]):
        def execute(self, query: Any, params: Any = None, **more: Any) -> Any:
            keep(self.mogrify(query, params))
            return super().execute(query, params, **more)

    usual = driver.cursor_factory
    driver.cursor_factory = Told
    try:
        yield seen
    finally:
        driver.cursor_factory = usual
