"""The people who may log in: the owner lets them in, changes what they may do, and locks them out."""

from dataclasses import dataclass

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access import audit, passwords, users
from leadkeeper.access.roles import Role, parse
from leadkeeper.access.users import User
from leadkeeper.errors import Conflict, Invalid
from leadkeeper.web import forms, settings_form
from leadkeeper.web.access import Access
from leadkeeper.web.forms import Form
from leadkeeper.web.render import redirect, render
from leadkeeper.web.routes import page

PATH = "/settings/team"
ONE = PATH + "/{user_id:int}"
MAY = (
    ("viewer", "Viewer: reads"),
    ("agent", "Agent: works in the inbox"),
    ("admin", "Admin: runs the machine"),
    ("owner", "Owner: also manages people"),
)


@dataclass(frozen=True, slots=True)
class TeamView:
    """Everybody, and the form to add one. `chosen`: whose password is being set."""

    tabs: list[tuple[str, str, bool]]
    people: list[User]
    form: Form
    may: bool
    chosen: int | None = None
    roles: tuple[tuple[str, str], ...] = MAY


@page(PATH, title="Team", access=Access.ADMIN)
async def team(request: Request) -> Response:
    """The list."""
    return await _show(request)


@page.post(PATH, title="Team", access=Access.OWNER)
async def add_person(request: Request) -> Response:
    """Let somebody in, with a first password they change in their profile."""
    form = await forms.read(request)
    password = form.values.pop("password", "")
    try:
        email, role = users.clean_email(form.values.get("email", "")), parse(form.choice("role", [name for name, _ in MAY]))
        name = form.text("name", longest=200, missing="Enter a name.")
        form.check()
        stored = await passwords.hash_password(passwords.strong(password, email))
        await request.state.db.write(_add, email, name, role, stored, request.state.user.id)
    except Conflict:
        form.errors["email"] = "There is a person with this address already."
        return await _show(request, form, status=400)
    except Invalid as error:
        return await _show(request, form.failed(error), status=400)
    return redirect(request, PATH, "{name} may log in now.", name=name)


@page.post(ONE + "/role", access=Access.OWNER)
async def change_role(request: Request) -> Response:
    """Change what somebody may do; their sessions end."""
    form = await forms.read(request)
    return await _act(request, _role, parse(form.values.get("role", "")), said="The role is changed.")


@page.post(ONE + "/disable", access=Access.OWNER)
async def disable_person(request: Request) -> Response:
    """Lock somebody out at once."""
    if request.path_params["user_id"] == request.state.user.id:
        return redirect(request, PATH, "You cannot lock yourself out.", kind="bad")
    return await _act(request, _able, False, said="That person is locked out.")


@page.post(ONE + "/enable", access=Access.OWNER)
async def enable_person(request: Request) -> Response:
    """Let somebody in again."""
    return await _act(request, _able, True, said="That person may log in again.")


@page.post(ONE + "/password", title="Team", access=Access.OWNER)
async def reset_password(request: Request) -> Response:
    """Give somebody a new password; all their sessions end."""
    form, user_id = await forms.read(request), request.path_params["user_id"]
    person = await request.state.db.read(users.get, user_id)
    try:
        new = passwords.strong(form.values.pop("new_password", ""), person.email, "new_password")
    except Invalid as error:
        return await _show(request, Form(errors=dict(error.fields)), chosen=user_id, status=400)
    stored = await passwords.hash_password(new)
    keep = request.state.session.id if user_id == request.state.user.id else None
    return await _act(request, _password, stored, keep, said="The password is changed. Every session of that person has ended.")


async def _act(request: Request, do: object, *values: object, said: str) -> Response:
    """One change to one person, recorded; the last owner cannot be lost."""
    try:
        await request.state.db.write(do, request.path_params["user_id"], *values, request.state.user.id)
    except Conflict:
        return redirect(request, PATH, "This is the last owner: make another person owner first.", kind="bad")
    return redirect(request, PATH, said)


async def _show(request: Request, form: Form | None = None, chosen: int | None = None, status: int = 200) -> Response:
    people = await request.state.db.read(users.listed)
    may = request.state.user.role.may(Role.OWNER)
    view = TeamView(settings_form.tabs(request), people, form or Form(), may, chosen)
    return render(request, "pages/team.html", view, status=status)


def _add(conn: Connection, email: str, name: str, role: Role, stored: str, by: int) -> None:
    person = users.add(conn, email, name, role, stored)
    audit.record(conn, "user_added", by, subject=f"user:{person.id}", role=role.value)


def _role(conn: Connection, user_id: int, role: Role, by: int) -> None:
    users.set_role(conn, user_id, role)
    audit.record(conn, "user_role", by, subject=f"user:{user_id}", role=role.value)


def _able(conn: Connection, user_id: int, able: bool, by: int) -> None:
    (users.enable if able else users.disable)(conn, user_id)
    audit.record(conn, "user_enabled" if able else "user_disabled", by, subject=f"user:{user_id}")


def _password(conn: Connection, user_id: int, stored: str, keep: int | None, by: int) -> None:
    users.get(conn, user_id)
    users.set_password(conn, user_id, stored, keep)
    audit.record(conn, "user_password", by, subject=f"user:{user_id}")
