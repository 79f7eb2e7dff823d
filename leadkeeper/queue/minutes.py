"""What ended in each minute: a row that grows in the transaction which ends the jobs, so it is never false.

It stays when the jobs are pruned. On PostgreSQL each connection counts in a part of its own, so nobody
waits for another's commit; what is over is folded into one row a minute. SQLite has one writer and one part.
A failure that was queued again stays a failure of its minute.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, literal, literal_column, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from leadkeeper import clock
from leadkeeper.store.prepared import Prepared, Row
from leadkeeper.store.schema import job_minutes
from leadkeeper.store.types import Instant

KEPT = timedelta(days=90)
OVER_AFTER = timedelta(minutes=2)
"""A minute's parts are folded so long after its end: whoever was at work in it has committed, or counts anew."""
_COUNTS = ("completed", "failed", "cancelled")


def count(conn: Connection, *, completed: int = 0, failed: int = 0, cancelled: int = 0) -> None:
    """So many jobs end in this transaction."""
    if completed or failed or cancelled:
        _COUNT.run(conn, minute=minute_of(clock.now()), completed=completed, failed=failed, cancelled=cancelled)


def since(conn: Connection, first: datetime) -> list[Row]:
    """`minute`, `completed` and `failed` of every minute from `first` on in which something ended."""
    sums = [func.sum(job_minutes.c[name]).label(name) for name in ("completed", "failed")]
    query = select(job_minutes.c.minute, *sums).where(job_minutes.c.minute >= first).group_by(job_minutes.c.minute)
    return list(conn.execute(query))


def fold(conn: Connection) -> None:
    """Make one row of each minute that is over, and forget those nobody looks at any more."""
    conn.execute(delete(job_minutes).where(job_minutes.c.minute < clock.now() - KEPT))
    if conn.dialect.name == "postgresql":
        conn.execute(_folding(minute_of(clock.now() - OVER_AFTER)))


def minute_of(moment: datetime) -> datetime:
    """The first moment of its minute."""
    return moment.replace(second=0, microsecond=0)


def _folding(before: datetime) -> Any:
    """One statement: the parts of a minute are taken out and put back as one. A part somebody holds waits for the next time."""
    table, key = job_minutes, tuple_(job_minutes.c.minute, job_minutes.c.part)
    over = select(table.c.minute, table.c.part).where(table.c.part != 0, table.c.minute < before)
    over = over.with_for_update(skip_locked=True)
    gone = delete(table).where(key.in_(over)).returning(table.c.minute, *(table.c[name] for name in _COUNTS)).cte("gone")
    sums = select(gone.c.minute, literal(0), *(func.sum(gone.c[name]) for name in _COUNTS)).group_by(gone.c.minute)
    return _adding(postgresql.insert(table).from_select(["minute", "part", *_COUNTS], sums))


def _counting(dialect: str) -> Any:
    given = {name: bindparam(name, type_=job_minutes.c[name].type) for name in _COUNTS}
    given["minute"] = bindparam("minute", type_=Instant)
    if dialect == "sqlite":
        return _adding(sqlite.insert(job_minutes).values(**given, part=literal_column("0")))
    return _adding(postgresql.insert(job_minutes).values(**given, part=func.pg_backend_pid()))


def _adding(statement: Any) -> Any:
    more = {name: job_minutes.c[name] + statement.excluded[name] for name in _COUNTS}
    return statement.on_conflict_do_update(index_elements=["minute", "part"], set_=more)


_COUNT = Prepared(_counting)
