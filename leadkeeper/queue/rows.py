"""The job table as the queue's statements see it.

The words are literals, not parameters: an engine uses a partial index only when it can prove its
condition from the statement's text.
"""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, literal_column

from leadkeeper.queue.jobs import Claimed
from leadkeeper.store.given import NUMBER, TEXT, Given
from leadkeeper.store.schema import jobs

LONELY = 2
"""A job that lost this many workers runs alone in its worker from then on."""


def pending(table: FromClause = jobs) -> ColumnElement[bool]:
    """Waiting to be claimed."""
    return table.c.status == literal_column("'pending'")


def ready(table: FromClause = jobs) -> ColumnElement[bool]:
    """May be claimed once it is due: pending, and first of its key."""
    return and_(pending(table), table.c.head)


def follows(table: FromClause = jobs) -> ColumnElement[bool]:
    """Waits behind another job of its key."""
    return and_(pending(table), ~table.c.head)


def processing(table: FromClause = jobs) -> ColumnElement[bool]:
    """In the hands of a worker."""
    return table.c.status == literal_column("'processing'")


def unfinished(table: FromClause = jobs) -> ColumnElement[bool]:
    """Pending or in the hands of a worker."""
    return table.c.status.in_([literal_column("'pending'"), literal_column("'processing'")])


def live_head(table: FromClause = jobs) -> ColumnElement[bool]:
    """The one job of its key that runs or may run."""
    return and_(table.c.key.is_not(None), table.c.head, unfinished(table))


CLAIMED: tuple[ColumnElement[Any], ...] = tuple(jobs.c[name] for name in Claimed._fields)
"""The columns of a `Claimed`, in its order."""

HELD = Given("held", id=NUMBER, claim=NUMBER)
"""Jobs by id and claim number: what the fence compares."""
KEYS = Given("keys", key=TEXT)
