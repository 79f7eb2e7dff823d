"""Deliveries that named an account we do not know: kept, and shown so that somebody connects it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from leadkeeper.store.schema import webhook_deliveries as table


@dataclass(frozen=True, slots=True)
class Stranger:
    """The account ids of deliveries we could not place, as the provider named them."""

    channel: str
    named: str
    deliveries: int
    last_at: datetime


def strangers(conn: Connection, limit: int = 20) -> Sequence[Stranger]:
    """Unknown account ids with how many deliveries named them, the latest first."""
    last = func.max(table.c.received_at)
    query = (
        select(table.c.channel, table.c.unrouted, func.count().label("deliveries"), last.label("last_at"))
        .where(table.c.unrouted.is_not(None))
        .group_by(table.c.channel, table.c.unrouted)
        .order_by(last.desc())
        .limit(limit)
    )
    return [Stranger(row.channel, row.unrouted, row.deliveries, row.last_at) for row in conn.execute(query)]
