"""How others reach us: the public address, the sites that may show the chat, and the two keys for programs."""

import secrets
from dataclasses import dataclass

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access import audit
from leadkeeper.errors import Invalid, NotFound
from leadkeeper.store import settings_rows
from leadkeeper.web import forms, settings_form
from leadkeeper.web.access import Access
from leadkeeper.web.forms import Form
from leadkeeper.web.render import redirect, render
from leadkeeper.web.routes import page
from leadkeeper.web_addresses import origin

ADDRESS = ("public_url", "chat_origins")
KEYS = ("ingest_key", "cron_secret")


@dataclass(frozen=True, slots=True)
class AccessView:
    """What the page shows. `set`: keys that exist; `shown` is a new key's (name, value), shown this once."""

    tabs: list[tuple[str, str, bool]]
    form: Form
    fixed: frozenset[str]
    set: frozenset[str]
    shown: tuple[str, str] | None = None


@page("/settings/access", title="Settings", access=Access.ADMIN)
async def settings_access(request: Request) -> Response:
    """Address, chat sites, keys."""
    return await _show(request)


@page.post("/settings/access", title="Settings", access=Access.ADMIN)
async def save_access(request: Request) -> Response:
    """Keep the public address and the chat's sites."""
    form = await forms.read(request)
    fixed = await settings_form.fixed(request, ADDRESS)
    try:
        values = {"public_url": _public(form), "chat_origins": _origins(form)}
        kept = {name: value for name, value in values.items() if name not in fixed}
        for name in fixed:
            form.errors.pop(name, None)
        form.check()
        await settings_form.store(request, kept)
    except Invalid as error:
        return await _show(request, form.failed(error), status=400)
    return redirect(request, "/settings/access", "Saved.")


@page.post("/settings/access/keys/{key}", title="Settings", access=Access.ADMIN)
async def make_key(request: Request) -> Response:
    """Make a fresh key, shown this once; the former one ends at once."""
    name = await _key_name(request)
    made = secrets.token_urlsafe(32)
    await settings_form.store(request, {name: made})
    return await _show(request, shown=(name, made))


@page.post("/settings/access/keys/{key}/remove", access=Access.ADMIN)
async def remove_key(request: Request) -> Response:
    """Close the door the key opens."""
    name = await _key_name(request)
    await request.state.db.write(_forget, name, request.state.user.id)
    request.state.site.reread()
    return redirect(request, "/settings/access", "The key is removed.")


def _public(form: Form) -> str:
    value = form.text("public_url", longest=300, required=False).rstrip("/")
    if value and origin(value) != value:
        form.errors["public_url"] = "Enter an address without a path, like https://desk.example.com."
    return value


def _origins(form: Form) -> str:
    given = form.text("chat_origins", longest=2000, required=False).replace(",", " ").split()
    if any(origin(each) != each.rstrip("/") for each in given):
        form.errors["chat_origins"] = "Enter addresses without a path, like https://www.example.com, with spaces between them."
    return " ".join(dict.fromkeys(each.rstrip("/") for each in given))


async def _key_name(request: Request) -> str:
    name = str(request.path_params["key"])
    if name not in KEYS:
        raise NotFound("There is nothing at this address.")
    settings_form.refuse_fixed(await settings_form.fixed(request, (name,)))
    return name


def _forget(conn: Connection, name: str, user_id: int) -> None:
    settings_rows.forget(conn, name)
    audit.record(conn, "settings", user_id, names=[name], values={name: "removed"})


async def _show(request: Request, form: Form | None = None, shown: tuple[str, str] | None = None, status: int = 200) -> Response:
    now = await request.state.site.settings()
    view = AccessView(
        settings_form.tabs(request),
        form or Form({"public_url": now.public_url, "chat_origins": now.chat_origins}),
        await settings_form.fixed(request, (*ADDRESS, *KEYS)),
        frozenset(name for name in KEYS if getattr(now, name).get_secret_value()),
        shown,
    )
    return render(request, "pages/settings_access.html", view, status=status)
