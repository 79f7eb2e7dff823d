"""`leadkeeper user ...`: the people who may log in, from the machine's own command line."""

import getpass
import json
import sys
import warnings
from typing import TYPE_CHECKING, Annotated

import typer

from leadkeeper.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from leadkeeper.access.roles import Role
    from leadkeeper.access.users import User

app = typer.Typer(help="The people who may log in: add, list, disable, enable, password, role.", no_args_is_help=True)

Email = Annotated[str, typer.Argument(help="The user's e-mail address.")]
RoleName = Annotated[str, typer.Option("--role", help="owner, admin, agent or viewer.")]
FromInput = Annotated[bool, typer.Option("--stdin", help="Read the password from standard input, for scripts.")]


@app.command("add")
def add(
    email: Email,
    name: Annotated[str, typer.Option("--name", help="The name others see.")] = "",
    role: RoleName = "agent",
    stdin: FromInput = False,
) -> None:
    """Add a user; asks for the password.

    Example: leadkeeper user add sara@example.com --name Sara --role admin
    """
    from leadkeeper.access import users
    from leadkeeper.cli.opening import open_database

    chosen = _role(role)
    with open_database() as db:
        hashed = _new_password(email, stdin)

        def insert(conn: "Connection") -> "User":
            user = users.add(conn, email, name, chosen, hashed)
            _write_down(conn, "user.added", user)
            return user

        user = db.write_now(insert)
    typer.echo(f"added {user.email} as {user.role.value}")


@app.command("list")
def list_users(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the users, their roles and last log-in.

    Example: leadkeeper user list
    """
    from leadkeeper.access import users
    from leadkeeper.cli.opening import open_database

    with open_database() as db:
        found = db.read_now(users.listed)
    if as_json:
        typer.echo(json.dumps([{**user.to_json(), "disabled": user.disabled_at is not None} for user in found], indent=2))
        return
    for user in found:
        seen = f"last log-in {user.last_login_at:%Y-%m-%d %H:%M} UTC" if user.last_login_at else "never logged in"
        state = "disabled" if user.disabled_at else seen
        typer.echo(f"{user.email:<32} {user.role.value:<7} {state}")
    if not found:
        typer.echo("nobody yet: leadkeeper user add you@example.com --role owner")


@app.command("disable")
def disable(email: Email) -> None:
    """Lock a user out at once.

    Example: leadkeeper user disable sara@example.com
    """
    from leadkeeper.access import users

    _change(email, "user.disabled", lambda conn, user: users.disable(conn, user.id))
    typer.echo(f"{email} is locked out and logged out everywhere")


@app.command("enable")
def enable(email: Email) -> None:
    """Let a disabled user in again.

    Example: leadkeeper user enable sara@example.com
    """
    from leadkeeper.access import users

    _change(email, "user.enabled", lambda conn, user: users.enable(conn, user.id))
    typer.echo(f"{email} may log in again")


@app.command("password")
def password(email: Email, stdin: FromInput = False) -> None:
    """Set a new password; ends the user's sessions.

    Example: leadkeeper user password sara@example.com
    """
    from leadkeeper.access import users

    hashed = _new_password(email, stdin)
    _change(email, "user.password", lambda conn, user: users.set_password(conn, user.id, hashed))
    typer.echo(f"{email} has a new password and is logged out everywhere")


@app.command("role")
def role(email: Email, role_name: Annotated[str, typer.Argument(metavar="ROLE", help="owner, admin, agent or viewer.")]) -> None:
    """Give a user another role.

    Example: leadkeeper user role sara@example.com owner
    """
    from leadkeeper.access import users

    chosen = _role(role_name)
    _change(email, "user.role", lambda conn, user: users.set_role(conn, user.id, chosen), role=chosen.value)
    typer.echo(f"{email} is {chosen.value} now and logged out everywhere")


def _change(email: str, action: str, act: "Callable[[Connection, User], None]", **data: str) -> None:
    """Find the user, act on it and write it down, in one transaction."""
    from leadkeeper.access import users
    from leadkeeper.cli.opening import open_database

    def run(conn: "Connection") -> None:
        user = users.by_email(conn, email)
        act(conn, user)
        _write_down(conn, action, user, **data)

    with open_database() as db:
        db.write_now(run)


def _write_down(conn: "Connection", action: str, user: "User", **data: str) -> None:
    from leadkeeper.access import audit

    audit.record(conn, action, None, subject=f"user:{user.id}", source="command line", **data)


def _role(name: str) -> "Role":
    """The role of that name. Raises Invalid, its message naming the known ones."""
    from leadkeeper.access import roles

    try:
        return roles.parse(name)
    except Invalid as error:
        raise Invalid(f"{name!r} is not a role: {error.fields['role']}", error.fields) from None


def _new_password(email: str, from_input: bool) -> str:
    """The hash of a password that was typed twice, or read from standard input. Raises Invalid for a weak one."""
    from leadkeeper.access import passwords

    text = sys.stdin.readline().rstrip("\r\n") if from_input else _asked()
    try:
        return passwords.hash_now(passwords.strong(text, email))
    except Invalid as error:
        raise Invalid(f"{error.message}. {' '.join(error.fields.values())}", error.fields) from None


def _asked() -> str:
    """A password typed twice on the terminal. Raises Invalid where there is nobody to type."""
    try:
        with warnings.catch_warnings(action="ignore", category=getpass.GetPassWarning):
            return str(typer.prompt("Password (at least 12 characters)", hide_input=True, confirmation_prompt=True))
    except typer.Abort:
        raise Invalid(
            "no password was given: type it on a terminal, or pipe it in with --stdin", {"password": "missing"}
        ) from None
