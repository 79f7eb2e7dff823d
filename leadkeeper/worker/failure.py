"""What an error means for a job: its own fault, or the database's."""

import sqlite3

from sqlalchemy import exc

from leadkeeper.errors import CommitUnknown, Invalid, NotFound, Unavailable
from leadkeeper.queue.outcomes import Fail, Outcome, Retry

_OUTAGES = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOTADB,
}
_OWN_FAULT = {"57014", "55P03"}
"""PostgreSQL: a statement that took too long or waited too long for a lock; the server is well."""
_COLLISIONS = {"40P01", "40001", "23505"}
"""PostgreSQL: deadlock, serialization failure, and a unique key taken by a transaction beside ours."""


def is_outage(error: BaseException) -> bool:
    """True when the database cannot be used now: the work is repeated and no try is used."""
    if isinstance(error, CommitUnknown):
        return True
    if isinstance(error, Unavailable):
        return error.__cause__ is None or is_outage(error.__cause__)
    if not isinstance(error, exc.OperationalError | exc.InterfaceError):
        return False
    if isinstance(error.orig, sqlite3.Error):
        return error.orig.sqlite_errorcode & 0xFF in _OUTAGES
    return getattr(error.orig, "sqlstate", None) not in _OWN_FAULT


def is_collision(error: BaseException) -> bool:
    """True when two transactions were in each other's way: running it again may well succeed."""
    cause = error.__cause__ if isinstance(error, Unavailable) else error
    return isinstance(cause, exc.DBAPIError) and getattr(cause.orig, "sqlstate", None) in _COLLISIONS


def outcome_of(error: BaseException) -> Outcome:
    """What a handler that raised came to: bad input or a missing thing never gets better."""
    if isinstance(error, Invalid | NotFound):
        return Fail(error.message)
    return Retry(f"{type(error).__name__}: {error}")
