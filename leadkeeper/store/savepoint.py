"""A savepoint: what is done after it can be taken back without the rest of its transaction."""

from typing import Any

from sqlalchemy import Connection, text

from leadkeeper.store.prepared import Prepared
from leadkeeper.store.remembered import forget

_SET = Prepared(text("SAVEPOINT here"))
_KEEP = Prepared(text("RELEASE SAVEPOINT here"))
_UNDO = Prepared(text("ROLLBACK TO SAVEPOINT here"))


class Savepoint:
    """Set when made; ends with `keep` or `undo`. They may be nested: the innermost is meant."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        _SET.run(conn)

    def keep(self) -> None:
        """Keep what was done."""
        _KEEP.run(self._conn)

    def undo(self) -> None:
        """Take back what was done since. With the connection that is done already: what broke it must be what is told."""
        if self._conn.invalidated:
            return
        _UNDO.run(self._conn)
        forget(self._conn)
        _KEEP.run(self._conn)


def in_transaction(conn: Connection) -> bool:
    """False when SQLite itself has ended the transaction, as it does when a disk is full."""
    driver: Any = conn.connection.dbapi_connection
    return bool(driver.in_transaction)
