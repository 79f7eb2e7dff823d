"""Logging in, and the first owner: what happens, in order, from an e-mail and a password to a session."""

from dataclasses import dataclass

from sqlalchemy import Connection

from leadkeeper.access import audit, passwords, sessions, setup_links, throttle, users
from leadkeeper.access.roles import Role
from leadkeeper.access.users import User
from leadkeeper.config import Settings
from leadkeeper.errors import Conflict, Forbidden, Invalid, Misconfigured, Unauthorized
from leadkeeper.store.database import Database

WRONG = "Invalid email or password"
"""One text for a wrong password, an unknown and a disabled user."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where a request comes from; `cookie` is the session id it brought, if any."""

    address: str | None
    agent: str | None
    cookie: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A started session: `token` goes into the cookie and is stored nowhere."""

    user: User
    token: str


async def log_in(db: Database, email: str, password: str, visitor: Visitor) -> Entry:
    """Check the password and start a session.

    Raises Invalid for empty fields, TooMany while throttled (before any hashing), Unauthorized
    with the same text and after the same time whether or not the user exists.
    """
    address = email.strip().lower()
    if not address or not password:
        missing = {"email": "Enter your e-mail address."} if not address else {"password": "Enter your password."}
        raise Invalid("Email and password are required", missing)
    counted = throttle.buckets("login", address, visitor.address)
    await db.write(throttle.charge, counted)
    stored = await db.read(users.stored_password, address)
    result = await passwords.check(password, stored[1] if stored else None)
    if stored is None or not result.right:
        await db.write(_note_failure, stored[0] if stored else None, visitor)
        raise Unauthorized(WRONG)
    return await db.write(_enter, stored[0], counted, result.rehash, visitor)


async def create_first_owner(db: Database, link: str, email: str, name: str, password: str, visitor: Visitor) -> Entry:
    """The first owner, by the one-time link; they are logged in at once.

    Raises Conflict when there are users already, Forbidden for a spent link, Invalid for bad fields.
    """
    if await db.read(users.anyone):
        raise Conflict("Leadkeeper is already set up. Log in instead.")
    if not await db.read(setup_links.valid, link):
        raise Forbidden("This set-up link has ended. Restart Leadkeeper to get a new one.")
    address = users.clean_email(email)
    stored = await passwords.hash_password(passwords.strong(password, address))
    return await db.write(_first_owner, link, address, name, stored, visitor)


def owner_of_settings(db: Database, settings: Settings) -> None:
    """Before anybody is let in: make the first owner where the settings name one and nobody can log in.

    Raises Misconfigured, naming the setting, for half an owner or a weak password.
    """
    secret = settings.admin_password.get_secret_value()
    if (not settings.admin_email and not secret) or db.read_now(users.anyone):
        return
    try:
        address = users.clean_email(settings.admin_email)
        password = passwords.strong(secret, address)
    except Invalid as error:
        wrong = [f"LEADKEEPER_ADMIN_{name.upper()}: {words}" for name, words in error.fields.items()]
        raise Misconfigured(f"the first owner cannot be made: {'; '.join(wrong)}") from error
    db.write_now(_owner_of_settings, address, passwords.hash_now(password))


def invite(db: Database) -> str | None:
    """The token of a new one-time link for the first owner; None when somebody can log in."""
    return None if db.read_now(users.anyone) else db.write_now(setup_links.make)


def _enter(conn: Connection, user_id: int, counted: list[str], rehash: str | None, visitor: Visitor) -> Entry:
    throttle.refund(conn, counted)
    if rehash is not None:
        users.rehash(conn, user_id, rehash)
    return _begin(conn, user_id, "login", visitor)


def _first_owner(conn: Connection, link: str, address: str, name: str, stored: str, visitor: Visitor) -> Entry:
    setup_links.use(conn, link)
    if users.anyone(conn):
        raise Conflict("Leadkeeper is already set up. Log in instead.")
    user = users.add(conn, address, name, Role.OWNER, stored)
    return _begin(conn, user.id, "setup", visitor)


def _begin(conn: Connection, user_id: int, action: str, visitor: Visitor) -> Entry:
    users.logged_in(conn, user_id)
    token = sessions.begin(conn, user_id, visitor.address, visitor.agent, replaces=visitor.cookie)
    audit.record(conn, action, user_id, address=visitor.address)
    return Entry(users.get(conn, user_id), token)


def _note_failure(conn: Connection, user_id: int | None, visitor: Visitor) -> None:
    audit.record(conn, "login_failed", user_id, address=visitor.address)


def _owner_of_settings(conn: Connection, address: str, stored: str) -> None:
    if not users.anyone(conn):
        user = users.add(conn, address, "", Role.OWNER, stored)
        audit.record(conn, "setup", user.id, subject="from the settings")
