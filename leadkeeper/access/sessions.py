"""Sessions as rows: the cookie holds a random id, the row only its SHA-256.

A session ends 12 hours after it was last seen, 14 days after it began, when it is revoked, or
when its user is disabled, whichever comes first.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from leadkeeper import clock
from leadkeeper.store.schema import sessions as table
from leadkeeper.store.schema import users

IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=14)
SEEN_EVERY = timedelta(minutes=1)
"""`seen_at` is written at most this often."""


@dataclass(frozen=True, slots=True)
class Session:
    """One log-in of one user on one device."""

    id: int
    user_id: int
    address: str | None
    agent: str | None
    created_at: datetime
    seen_at: datetime


def fingerprint(token: str) -> str:
    """What is stored of a cookie's id: its SHA-256 in hex."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def begin(conn: Connection, user_id: int, address: str | None, agent: str | None, replaces: str | None = None) -> str:
    """Start a session and return the 256-bit id for the cookie; the one it `replaces` ends."""
    if replaces:
        end(conn, replaces)
    token = secrets.token_urlsafe(32)
    now = clock.now()
    row = {
        "hash": fingerprint(token), "user_id": user_id, "address": (address or "")[:64] or None,
        "agent": (agent or "")[:300] or None, "created_at": now, "seen_at": now, "ends_at": now + ABSOLUTE,
    }  # fmt: skip
    conn.execute(insert(table).values(**row))
    return token


def find(conn: Connection, token: str) -> Session | None:
    """The live session of a cookie's id, or None."""
    row = conn.execute(select(table).where(table.c.hash == fingerprint(token), *_alive())).first()
    return None if row is None else _session(row)


def stale(session: Session) -> bool:
    """True when its last-seen time should be written again."""
    return clock.now() - session.seen_at >= SEEN_EVERY


def seen(conn: Connection, session_id: int) -> bool:
    """Write that the session is in use; False when somebody else has within the minute."""
    now = clock.now()
    due = (table.c.id == session_id) & (table.c.seen_at <= now - SEEN_EVERY)
    return conn.execute(update(table).where(due).values(seen_at=now)).rowcount > 0


def end(conn: Connection, token: str) -> None:
    """Log out: the session of this cookie's id is over."""
    mine = (table.c.hash == fingerprint(token)) & table.c.revoked_at.is_(None)
    conn.execute(update(table).where(mine).values(revoked_at=clock.now()))


def revoke(conn: Connection, user_id: int, session_id: int) -> bool:
    """End one session of a user; False when there was no such live one."""
    mine = (table.c.id == session_id) & (table.c.user_id == user_id) & table.c.revoked_at.is_(None)
    return conn.execute(update(table).where(mine).values(revoked_at=clock.now())).rowcount > 0


def revoke_all(conn: Connection, user_id: int, keep: int | None = None) -> int:
    """End every session of a user except `keep`; returns how many ended."""
    theirs = (table.c.user_id == user_id) & table.c.revoked_at.is_(None)
    if keep is not None:
        theirs = theirs & (table.c.id != keep)
    return conn.execute(update(table).where(theirs).values(revoked_at=clock.now())).rowcount


def revoke_everybody(conn: Connection) -> int:
    """End every session: after a restore, those that ended since the copy would live again. Returns how many ended."""
    return conn.execute(update(table).where(table.c.revoked_at.is_(None)).values(revoked_at=clock.now())).rowcount


def of_user(conn: Connection, user_id: int) -> list[Session]:
    """A user's live sessions, the one used last first."""
    rows = conn.execute(select(table).where(table.c.user_id == user_id, *_alive()).order_by(table.c.seen_at.desc()))
    return [_session(row) for row in rows]


def forget_old(conn: Connection, before: datetime) -> int:
    """Delete sessions that ended before `before`; returns how many."""
    over = (table.c.ends_at < before) | (table.c.revoked_at < before) | (table.c.seen_at < before - IDLE)
    return conn.execute(delete(table).where(over)).rowcount


def _alive() -> tuple[ColumnElement[bool], ...]:
    now = clock.now()
    able = select(users.c.id).where(users.c.id == table.c.user_id, users.c.disabled_at.is_(None)).exists()
    return table.c.revoked_at.is_(None), table.c.ends_at > now, table.c.seen_at > now - IDLE, able


def _session(row: object) -> Session:
    return Session(*(getattr(row, name) for name in Session.__slots__))
