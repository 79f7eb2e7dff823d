"""The business: its name, zone and hours, and the switch that stops every automatic message."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access.roles import Role
from leadkeeper.errors import Invalid
from leadkeeper.store import settings_rows
from leadkeeper.web import business_form, forms, settings_form
from leadkeeper.web.access import Access
from leadkeeper.web.forms import Form
from leadkeeper.web.pages.setup_steps import DAYS, ZONES
from leadkeeper.web.render import redirect, render
from leadkeeper.web.routes import page

NAMES = ("timezone", "automatic_messages")


@dataclass(frozen=True, slots=True)
class BusinessView:
    """What the page shows. `fixed` names what the environment gives."""

    tabs: list[tuple[str, str, bool]]
    form: Form
    fixed: frozenset[str]
    may: bool
    days: tuple[tuple[str, str], ...] = DAYS
    zones: tuple[str, ...] = ZONES


@page("/settings", title="Settings", access=Access.VIEWER, menu=70, icon="settings")
async def business_settings(request: Request) -> Response:
    """Name, zone, hours, and the stop switch."""
    rows = await request.state.db.read(settings_rows.load)
    return await _show(request, business_form.filled(rows, request.state.settings))


@page.post("/settings", title="Settings", access=Access.ADMIN)
async def save_business_settings(request: Request) -> Response:
    """Keep name, zone and hours."""
    form = await forms.read(request)
    try:
        values = business_form.read(form, await settings_form.fixed(request, NAMES))
        await settings_form.store(request, values)
    except Invalid as error:
        return await _show(request, form.failed(error), status=400)
    return redirect(request, "/settings", "Saved.")


@page.post("/settings/automatic", access=Access.ADMIN)
async def switch_automatic(request: Request) -> Response:
    """Stop every automatic message at once, or let them go again."""
    settings_form.refuse_fixed(await settings_form.fixed(request, ("automatic_messages",)))
    on = (await forms.read(request)).flag("on")
    await settings_form.store(request, {"automatic_messages": on})
    return redirect(request, "/settings", "Automatic messages are on again." if on else "Automatic messages are stopped.")


async def _show(request: Request, form: Form, status: int = 200) -> Response:
    fixed = await settings_form.fixed(request, NAMES)
    view = BusinessView(settings_form.tabs(request), form, fixed, request.state.user.role.may(Role.ADMIN))
    return render(request, "pages/settings.html", view, status=status)
