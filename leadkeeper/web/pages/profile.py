"""One's own name, password, language, theme and open sessions."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access import audit, passwords, sessions, throttle, users
from leadkeeper.access.sessions import Session
from leadkeeper.errors import Invalid, TooMany
from leadkeeper.web import cookies, devices, forms
from leadkeeper.web.access import Access
from leadkeeper.web.render import redirect, render
from leadkeeper.web.routes import page


@dataclass(frozen=True, slots=True)
class ProfileView:
    """What the page shows."""

    form: forms.Form
    open_sessions: list[Session]
    device: Callable[[str | None], str]
    languages: tuple[tuple[str, str], ...] = (("en", "English"), ("ar", "العربية"))
    themes: tuple[tuple[str, str], ...] = (("system", "Like the system"), ("light", "Light"), ("dark", "Dark"))


@page("/profile", title="Your profile", access=Access.VIEWER)
async def profile(request: Request) -> Response:
    """The page."""
    return await _show(request, forms.Form({"name": request.state.user.name}))


@page.post("/profile/name", title="Your profile", access=Access.VIEWER)
async def rename_me(request: Request) -> Response:
    """Change the name others see."""
    form = await forms.read(request)
    try:
        await request.state.db.write(users.rename, request.state.user.id, form.text("name", longest=200))
    except Invalid as error:
        return await _show(request, form.failed(error), status=400)
    return redirect(request, "/profile", "Your name is saved.")


@page.post("/profile/password", title="Your profile", access=Access.VIEWER)
async def change_password(request: Request) -> Response:
    """Change the password, knowing the old one; every other session ends."""
    form = await forms.read(request)
    user, session = request.state.user, request.state.session
    try:
        await _right_now(request, form.values.get("current", ""))
        new = passwords.strong(form.values.get("password", ""), user.email)
    except (Invalid, TooMany) as error:
        form.values["name"] = user.name
        if isinstance(error, Invalid):
            form.failed(error)
        else:
            form.errors["current"] = error.message
        return await _show(request, form, status=error.status)
    await request.state.db.write(_store_password, user.id, session.id, await passwords.hash_password(new), request.state.address)
    return redirect(request, "/profile", "Your password is changed. Other devices are logged out.")


@page.post("/profile/sessions/{session_id:int}/end", access=Access.VIEWER)
async def end_session(request: Request) -> Response:
    """Log one other device out."""
    await request.state.db.write(sessions.revoke, request.state.user.id, request.path_params["session_id"])
    return redirect(request, "/profile", "That device is logged out.")


@page.post("/look", access=Access.PUBLIC)
async def look(request: Request) -> Response:
    """Change language or theme, on this device and for the user, and come back to the page it was asked on."""
    form = await forms.read(request)
    language, theme = form.values.get("language"), form.values.get("theme")
    back = forms.local(form.values.get("back"))
    response = redirect(request, back)
    if language in users.LANGUAGES:
        cookies.put_choice(request, response, "lang", language)
    if theme in users.THEMES:
        cookies.put_choice(request, response, "theme", theme)
    if request.state.user is not None:
        await request.state.db.write(users.prefer, request.state.user.id, language, theme)
    return response


async def _show(request: Request, form: forms.Form, status: int = 200) -> Response:
    rows = await request.state.db.read(sessions.of_user, request.state.user.id)
    view = ProfileView(form, rows, partial(devices.named, request.state.lang))
    return render(request, "pages/profile.html", view, status=status)


async def _right_now(request: Request, current: str) -> None:
    """Raises Invalid unless `current` is the user's password, TooMany while guessing is slowed down."""
    db, email = request.state.db, request.state.user.email
    counted = throttle.buckets("password", email, request.state.address)
    await db.write(throttle.charge, counted)
    stored = await db.read(users.stored_password, email)
    result = await passwords.check(current, stored[1] if stored else None)
    if not result.right:
        raise Invalid("the current password is wrong", {"current": "This is not your current password."})
    await db.write(throttle.refund, counted)


def _store_password(conn: Connection, user_id: int, session_id: int, stored: str, address: str | None) -> None:
    users.set_password(conn, user_id, stored, keep_session=session_id)
    audit.record(conn, "password_changed", user_id, address=address)
