"""Guessing is slow: attempts are counted per account and per address before any hashing.

Five are free, then the wait doubles from 5 seconds to 15 minutes. Unknown accounts are counted
like known ones, so the answer tells nothing about who exists.
"""

import ipaddress
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, update

from leadkeeper import clock
from leadkeeper.errors import TooMany
from leadkeeper.store.schema import throttles as table
from leadkeeper.store.upsert import insert_once

FREE = 5
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=15)
FORGET_AFTER = timedelta(hours=12)
"""Without an attempt for this long a bucket starts afresh."""


def wait_after(failures: int) -> timedelta:
    """How long the next attempt must wait after that many failures in a row."""
    if failures < FREE:
        return timedelta(0)
    doublings = min(failures - FREE, 20)
    return min(LONGEST_WAIT, FIRST_WAIT * (1 << doublings))


def buckets(purpose: str, account: str, address: str | None) -> list[str]:
    """The buckets of one attempt, in the order their rows are locked."""
    return sorted([f"{purpose}:account:{account[:320]}", f"{purpose}:address:{network(address)}"])


def network(address: str | None) -> str:
    """What counts as one address: an IPv4 address, or an IPv6 /64 (one household has that many)."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


def charge(conn: Connection, names: list[str]) -> None:
    """Count an attempt as failed before it is tried; `refund` takes it back when it was right.

    Raises TooMany, with the seconds to wait, when one of the buckets is closed; nothing is counted then.
    """
    now = clock.now()
    fresh = {"failures": 0, "until": now, "updated_at": now}
    insert_once(conn, table, [{"bucket": name, **fresh} for name in names])
    locked = select(table).where(table.c.bucket.in_(names)).order_by(table.c.bucket).with_for_update()
    rows = conn.execute(locked).fetchall()
    closed = max(row.until for row in rows)
    if closed > now:
        raise TooMany("Too many attempts. Wait a little and try again.", retry_after=(closed - now).total_seconds())
    for row in rows:
        failures = 1 if _forgotten(row.updated_at, now) else row.failures + 1
        _store(conn, row.bucket, failures, now)


def refund(conn: Connection, names: list[str]) -> None:
    """The attempt was right: the account starts afresh, the address gets this one back."""
    conn.execute(delete(table).where(table.c.bucket.in_([name for name in names if ":account:" in name])))
    for row in conn.execute(select(table).where(table.c.bucket.in_(names)).with_for_update()).fetchall():
        _store(conn, row.bucket, max(0, row.failures - 1), clock.now())


def forget_old(conn: Connection) -> int:
    """Delete buckets nobody has used for a while; returns how many."""
    return conn.execute(delete(table).where(table.c.updated_at < clock.now() - FORGET_AFTER)).rowcount


def _store(conn: Connection, bucket: str, failures: int, now: datetime) -> None:
    values = {"failures": failures, "until": now + wait_after(failures), "updated_at": now}
    conn.execute(update(table).where(table.c.bucket == bucket).values(**values))


def _forgotten(updated_at: datetime, now: datetime) -> bool:
    return now - updated_at > FORGET_AFTER
