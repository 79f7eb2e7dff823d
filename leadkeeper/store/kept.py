"""A thread's own connection, kept open between transactions and opened anew after anything went wrong.

Taking one from a pool and giving it back costs more than what most of our transactions do.
"""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import Engine

T = TypeVar("T")


class Kept:
    """Used by one thread only. `work` commits; what it leaves uncommitted is rolled back."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._conn: Connection | None = None

    def run(self, work: Callable[[Connection], T]) -> T:
        """The result of `work(conn)` in a transaction that has begun."""
        if self._conn is None:
            self._conn = self._engine.connect()
        try:
            self._conn.begin()
            done = work(self._conn)
            if self._conn.in_transaction():
                self._conn.rollback()
            return done
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the connection up; the next transaction opens another."""
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.close()
