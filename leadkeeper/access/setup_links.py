"""The one-time link that lets the first owner in: 30 minutes, only its hash is stored."""

import secrets
from datetime import timedelta

from sqlalchemy import ColumnElement, Connection, insert, select, update

from leadkeeper import clock
from leadkeeper.access.sessions import fingerprint
from leadkeeper.errors import Forbidden
from leadkeeper.store.schema import setup_links as table

VALID_FOR = timedelta(minutes=30)


def make(conn: Connection) -> str:
    """A new link's token; earlier unused ones stop working."""
    now = clock.now()
    conn.execute(update(table).where(table.c.used_at.is_(None)).values(used_at=now))
    token = secrets.token_urlsafe(32)
    conn.execute(insert(table).values(hash=fingerprint(token), ends_at=now + VALID_FOR))
    return token


def valid(conn: Connection, token: str) -> bool:
    """True while the link can be used."""
    return conn.execute(select(table.c.id).where(*_open(token))).first() is not None


def use(conn: Connection, token: str) -> None:
    """Use the link up. Raises Forbidden when it is unknown, used or too old."""
    if not conn.execute(update(table).where(*_open(token)).values(used_at=clock.now())).rowcount:
        raise Forbidden("This set-up link has ended. Restart Leadkeeper to get a new one.")


def _open(token: str) -> tuple[ColumnElement[bool], ...]:
    return table.c.hash == fingerprint(token), table.c.used_at.is_(None), table.c.ends_at > clock.now()
