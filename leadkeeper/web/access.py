"""Who may call a route. Every route, JSON or page, is registered with one of these.

Roles hold what the role below them holds. CRON and INGEST take their secret, or a login of the
role named beside them. WEBHOOK routes verify the caller themselves (signature or token) and take
no cookie; they are the only ones the cross-site check leaves alone.
"""

import hmac
from enum import StrEnum

from pydantic import SecretStr
from sqlalchemy import Connection
from starlette.requests import Request

from leadkeeper.access import sessions, users
from leadkeeper.access.roles import Role
from leadkeeper.access.sessions import Session
from leadkeeper.access.users import User
from leadkeeper.errors import Forbidden, Unauthorized, Unavailable
from leadkeeper.store.database import Database
from leadkeeper.web import cookies, csrf


class Access(StrEnum):
    """What a caller needs."""

    PUBLIC = "public"
    VIEWER = "viewer"
    AGENT = "agent"
    ADMIN = "admin"
    OWNER = "owner"
    CRON = "cron"
    INGEST = "ingest"
    WEBHOOK = "webhook"

    @property
    def role(self) -> Role | None:
        """The least role that may come in by login; None where a login counts for nothing."""
        return _LEAST.get(self)


_LEAST = {
    Access.VIEWER: Role.VIEWER,
    Access.AGENT: Role.AGENT,
    Access.ADMIN: Role.ADMIN,
    Access.OWNER: Role.OWNER,
    Access.CRON: Role.ADMIN,
    Access.INGEST: Role.AGENT,
}


async def permit(request: Request, access: Access) -> None:
    """Let the request through, or raise Forbidden (cross-site, role, secret) or Unauthorized (no login)."""
    if access is Access.WEBHOOK:
        return
    csrf.check(request)
    if access is Access.PUBLIC or _has_secret(request, access):
        return
    user = await identify(request)
    least = access.role
    if user is None:
        raise Forbidden() if access is Access.CRON else Unauthorized()
    if least is None or not user.role.may(least):
        raise Forbidden("Your role does not allow this.")


async def identify(request: Request) -> User | None:
    """Who is logged in, or None; looked up once a request. Fills `request.state.user` and `.session`."""
    if request.state.identified:
        return _user(request)
    request.state.identified = True
    token = cookies.session(request)
    found = await request.state.db.read(_find, token) if token else None
    if found is None:
        return None
    session, user = found
    request.state.session, request.state.user = session, user
    request.state.lang, request.state.theme = user.language, user.theme
    await _note_seen(request.state.db, session)
    return _user(request)


def _user(request: Request) -> User | None:
    user: User | None = request.state.user
    return user


def _find(conn: Connection, token: str) -> tuple[Session, User] | None:
    session = sessions.find(conn, token)
    return None if session is None else (session, users.get(conn, session.user_id))


async def _note_seen(db: Database, session: Session) -> None:
    if not sessions.stale(session):
        return
    try:
        await db.write(sessions.seen, session.id)
    except Unavailable:
        # A full disk must not keep an operator from looking: the page is shown, last-seen stays older.
        return


def _has_secret(request: Request, access: Access) -> bool:
    settings = request.state.settings
    if access is Access.CRON:
        return _matches(settings.cron_secret, request, "x-cron-secret")
    if access is Access.INGEST:
        return _matches(settings.ingest_key, request, "x-ingest-key")
    return False


def _matches(secret: SecretStr, request: Request, header: str) -> bool:
    expected = secret.get_secret_value()
    given = request.headers.get(header) or request.headers.get("authorization", "").removeprefix("Bearer ")
    return bool(expected) and hmac.compare_digest(given.encode("latin-1"), expected.encode())
