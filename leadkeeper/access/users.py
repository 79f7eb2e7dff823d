"""The people who may log in: rows of `users`, read and written."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from leadkeeper import clock
from leadkeeper.access import sessions
from leadkeeper.access.roles import Role
from leadkeeper.errors import Conflict, Invalid, NotFound
from leadkeeper.store.schema import users as table

LANGUAGES = ("en", "ar")
THEMES = ("system", "light", "dark")


@dataclass(frozen=True, slots=True)
class User:
    """One operator. `role` says what they may do; a disabled one cannot log in."""

    id: int
    email: str
    name: str
    role: Role
    language: str
    theme: str
    disabled_at: datetime | None
    created_at: datetime
    last_login_at: datetime | None

    @classmethod
    def from_row(cls, row: Any) -> "User":
        """The user of a row that holds this table's columns."""
        return cls(
            row.id, row.email, row.name, Role(row.role), row.language, row.theme,
            row.disabled_at, row.created_at, row.last_login_at,
        )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """What the API says of a user: nothing secret."""
        return {"id": self.id, "email": self.email, "name": self.name, "role": self.role.value}


COLUMNS = (
    table.c.id, table.c.email, table.c.name, table.c.role, table.c.language, table.c.theme,
    table.c.disabled_at, table.c.created_at, table.c.last_login_at,
)  # fmt: skip


def clean_email(email: str) -> str:
    """The address trimmed and in lower case. Raises Invalid unless it looks like one."""
    text = email.strip().lower()
    name, at, host = text.partition("@")
    if not (name and at and "." in host) or len(text) > 320 or any(sign.isspace() for sign in text):
        raise Invalid("not an e-mail address", {"email": "Enter an e-mail address, like sara@example.com."})
    return text


def anyone(conn: Connection) -> bool:
    """True when there is at least one user: set-up is closed then."""
    return conn.execute(select(table.c.id).limit(1)).first() is not None


def add(conn: Connection, email: str, name: str, role: Role, password_hash: str, language: str = "en") -> User:
    """Store a new user. Raises Invalid for a bad e-mail address, Conflict when it is taken."""
    address = clean_email(email)
    if conn.execute(select(table.c.id).where(table.c.email == address)).first():
        raise Conflict(f"there is a user {address} already")
    values = {
        "email": address,
        "name": name.strip()[:200] or address.partition("@")[0],
        "role": role.value,
        "password_hash": password_hash,
        "language": language if language in LANGUAGES else "en",
        "theme": "system",
        "created_at": clock.now(),
    }
    return User.from_row(conn.execute(insert(table).values(**values).returning(*COLUMNS)).one())


def get(conn: Connection, user_id: int) -> User:
    """The user of that id. Raises NotFound."""
    row = conn.execute(select(*COLUMNS).where(table.c.id == user_id)).first()
    if row is None:
        raise NotFound(f"there is no user {user_id}")
    return User.from_row(row)


def by_email(conn: Connection, email: str) -> User:
    """The user of that address. Raises NotFound."""
    row = conn.execute(select(*COLUMNS).where(table.c.email == email.strip().lower())).first()
    if row is None:
        raise NotFound(f"there is no user {email.strip().lower()}")
    return User.from_row(row)


def listed(conn: Connection) -> list[User]:
    """Every user, by name."""
    return [User.from_row(row) for row in conn.execute(select(*COLUMNS).order_by(table.c.name, table.c.id))]


def names(conn: Connection) -> Mapping[int, str]:
    """The name of each user who can log in, by id: for lists of owners."""
    rows = conn.execute(select(table.c.id, table.c.name).where(table.c.disabled_at.is_(None)).order_by(table.c.name))
    return {row.id: row.name for row in rows}


def stored_password(conn: Connection, email: str) -> tuple[int, str] | None:
    """(user id, password hash) of an address that may log in, else None."""
    able = (table.c.email == email.strip().lower()) & table.c.disabled_at.is_(None)
    row = conn.execute(select(table.c.id, table.c.password_hash).where(able)).first()
    return None if row is None else (row.id, row.password_hash)


def set_password(conn: Connection, user_id: int, password_hash: str, keep_session: int | None = None) -> None:
    """Store a new password hash; ends every session of that user except `keep_session`."""
    _change(conn, user_id, password_hash=password_hash)
    sessions.revoke_all(conn, user_id, keep=keep_session)


def rehash(conn: Connection, user_id: int, password_hash: str) -> None:
    """Store the same password under newer parameters; sessions go on."""
    _change(conn, user_id, password_hash=password_hash)


def set_role(conn: Connection, user_id: int, role: Role) -> None:
    """Change a role and end the user's sessions. Raises Conflict when it is the last owner's."""
    if role is not Role.OWNER:
        _keep_an_owner(conn, user_id)
    _change(conn, user_id, role=role.value)
    sessions.revoke_all(conn, user_id)


def disable(conn: Connection, user_id: int) -> None:
    """Lock a user out at once. Raises Conflict for the last owner."""
    _keep_an_owner(conn, user_id)
    _change(conn, user_id, disabled_at=clock.now())
    sessions.revoke_all(conn, user_id)


def enable(conn: Connection, user_id: int) -> None:
    """Let a disabled user log in again."""
    _change(conn, user_id, disabled_at=None)


def prefer(conn: Connection, user_id: int, language: str | None = None, theme: str | None = None) -> None:
    """Store a user's language or theme. Raises Invalid for unknown words."""
    if language is not None and language not in LANGUAGES:
        raise Invalid("unknown language", {"language": f"must be one of {', '.join(LANGUAGES)}"})
    if theme is not None and theme not in THEMES:
        raise Invalid("unknown theme", {"theme": f"must be one of {', '.join(THEMES)}"})
    given = {"language": language, "theme": theme}
    _change(conn, user_id, **{name: value for name, value in given.items() if value is not None})


def rename(conn: Connection, user_id: int, name: str) -> None:
    """Change the name others see. Raises Invalid when it is empty."""
    if not name.strip():
        raise Invalid("a name is needed", {"name": "Enter a name."})
    _change(conn, user_id, name=name.strip()[:200])


def logged_in(conn: Connection, user_id: int) -> None:
    """Remember that this user has just logged in."""
    _change(conn, user_id, last_login_at=clock.now())


def _change(conn: Connection, user_id: int, **values: Any) -> None:
    if values and not conn.execute(update(table).where(table.c.id == user_id).values(**values)).rowcount:
        raise NotFound(f"there is no user {user_id}")


def _keep_an_owner(conn: Connection, user_id: int) -> None:
    """Raises Conflict when `user_id` is the only owner who can log in."""
    able = (table.c.role == Role.OWNER.value) & table.c.disabled_at.is_(None)
    owners = set(conn.execute(select(table.c.id).where(able).with_for_update()).scalars())
    if owners == {user_id}:
        raise Conflict("this is the last owner: make another user owner first")


def count(conn: Connection) -> int:
    """How many users there are."""
    return conn.execute(select(func.count()).select_from(table)).scalar_one()
