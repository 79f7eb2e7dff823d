"""Delete what is only kept for a while, in small batches: raw deliveries, ended sessions, keys of requests.

Messages, decisions and what proves them stay. A bucket that is full again says what no row says.
Finished jobs leave all day long, between the steps (queue/prune.py).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, select

from leadkeeper import clock
from leadkeeper.jobs.context import JobContext
from leadkeeper.queue.handlers import job
from leadkeeper.queue.outcomes import Done, Outcome
from leadkeeper.store.schema import (
    buckets,
    idempotency_keys,
    runs,
    sessions,
    setup_links,
    throttles,
    webhook_deliveries,
    workers,
)

BATCH = 1000
"""Rows one transaction deletes: a few milliseconds."""

KEPT: Mapping[str, timedelta] = {
    "deliveries": timedelta(days=30),
    "sessions": timedelta(days=30),
    "runs": timedelta(days=90),
    "workers": timedelta(days=1),
    "idempotency keys": timedelta(days=8),
}


@job("purge", deadline=timedelta(minutes=30))
async def purge(ctx: JobContext) -> Outcome:
    """Delete until nothing is too old; other writes come between the batches."""
    now = clock.now()
    for table, condition in _old(now):
        while await ctx.db.write(partial(_delete_some, table=table, condition=condition)) == BATCH:
            pass
    return Done()


def _old(now: datetime) -> list[tuple[Table, ColumnElement[bool]]]:
    return [
        (webhook_deliveries, webhook_deliveries.c.received_at < now - KEPT["deliveries"]),
        (sessions, sessions.c.ends_at < now - KEPT["sessions"]),
        (setup_links, setup_links.c.ends_at < now - KEPT["sessions"]),
        (throttles, throttles.c.until < now - KEPT["workers"]),
        (buckets, and_(buckets.c.full_at < now, buckets.c.turns_until < now)),
        (runs, and_(runs.c.dry_run, runs.c.created_at < now - KEPT["runs"])),
        (idempotency_keys, idempotency_keys.c.created_at < now - KEPT["idempotency keys"]),
        (workers, workers.c.beat_at < now - KEPT["workers"]),
    ]


def _delete_some(conn: Connection, table: Table, condition: ColumnElement[bool]) -> int:
    (key,) = table.primary_key.columns
    some = select(key).where(condition).limit(BATCH)
    # The condition once more: a row that another transaction changes meanwhile is looked at anew
    return int(conn.execute(delete(table).where(key.in_(some), condition)).rowcount)
