"""Set-up after the first account: business, first document, trying it. Every step may be skipped."""

from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper import config
from leadkeeper.access import audit
from leadkeeper.config import Settings
from leadkeeper.errors import Invalid
from leadkeeper.example import clear as example_clear
from leadkeeper.example import load as example_load
from leadkeeper.knowledge import documents
from leadkeeper.knowledge.documents import NewDocument
from leadkeeper.knowledge.uploads import from_upload
from leadkeeper.rules import business
from leadkeeper.store import settings_rows
from leadkeeper.web import checklist, forms, simulated
from leadkeeper.web.access import Access
from leadkeeper.web.render import redirect, render
from leadkeeper.web.routes import page

UPLOAD_LIMIT = 6_000_000
"""Bytes of the form that brings the first document; the document itself has its own limit."""
DAYS = tuple(zip(business.DAYS, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True))
ZONES = (
    "Asia/Dubai", "Asia/Riyadh", "Asia/Qatar", "Asia/Kuwait", "Asia/Bahrain", "Asia/Muscat", "Asia/Amman", "Asia/Beirut",
    "Asia/Baghdad", "Africa/Cairo", "Africa/Casablanca", "Africa/Nairobi", "Africa/Lagos", "Africa/Johannesburg",
    "Europe/London", "Europe/Paris", "Europe/Berlin", "Europe/Madrid", "Europe/Istanbul", "Europe/Moscow", "Asia/Karachi",
    "Asia/Kolkata", "Asia/Dhaka", "Asia/Jakarta", "Asia/Singapore", "Asia/Manila", "Asia/Hong_Kong", "Asia/Tokyo",
    "Australia/Sydney", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
    "America/Toronto", "America/Mexico_City", "America/Bogota", "America/Sao_Paulo", "America/Buenos_Aires", "UTC",
)  # fmt: skip


@page("/setup/business", title="Your business", access=Access.ADMIN, name="setup_business")
async def setup_business(request: Request) -> Response:
    """Name, time zone, hours; and the short way past all of it."""
    view = await request.state.db.read(_business_form, request.state.settings)
    return render(request, "pages/setup_business.html", {**view, "zones": ZONES, "days": DAYS})


@page.post("/setup/business", title="Your business", access=Access.ADMIN, name="save_business")
async def save_business(request: Request) -> Response:
    """Keep what was entered and go on."""
    form = await forms.read(request)
    try:
        values = _entered(form)
        await request.state.db.write(_save, values, request.state.user.id)
    except Invalid as error:
        view = await request.state.db.read(_business_form, request.state.settings)
        shown = {**view, "form": form.failed(error), "zones": ZONES, "days": DAYS}
        return render(request, "pages/setup_business.html", shown, status=400)
    return redirect(request, "/setup/document")


@page("/setup/document", title="First document", access=Access.ADMIN, name="setup_document")
async def setup_document(request: Request) -> Response:
    """Paste a text or choose a file."""
    return await _show_document(request, forms.Form())


@page.post("/setup/document", title="First document", access=Access.ADMIN, name="add_first_document", limit=UPLOAD_LIMIT)
async def add_first_document(request: Request) -> Response:
    """Keep the document; it is cut into passages in the background."""
    form = await forms.read(request)
    limit = request.state.settings.max_upload_mb * 2**20
    try:
        new = await _given(form, limit)
        await request.state.db.write(documents.add, new, request.state.user.id, limit)
    except Invalid as error:
        return await _show_document(request, form.failed(error), status=400)
    return redirect(request, "/setup/try", "Learned: {title}", title=new.title)


@page("/setup/try", title="Ready to try", access=Access.ADMIN, name="setup_try")
async def setup_try(request: Request) -> Response:
    """What is done, what is left, and the phone to try it with."""
    items = await request.state.db.read(checklist.read)
    done = frozenset(item.name for item in items if item.done)
    return render(request, "pages/setup_try.html", {"items": items, "finished": done})


@page.post("/setup/example", access=Access.ADMIN)
async def try_example(request: Request) -> Response:
    """One click: documents, name, hours, leads, and a phone to write with."""
    form = await forms.read(request)
    state = request.state
    if real := await state.db.read(example_load.in_the_way):
        words = "{name} is connected: its customers would be answered from invented documents. Switch it off first."
        return redirect(request, forms.local(form.values.get("back"), "/setup/business"), words, kind="bad", name=real)
    await simulated.of(request).open(simulated.reached_at(request.scope, state.settings.port))
    await state.db.write(_load_example, state.box, state.user.id)
    state.site.snapshot = None
    return redirect(request, forms.local(form.values.get("back"), "/simulate"), "The example business is here. Ask it something.")


@page.post("/setup/demo/clear", access=Access.ADMIN)
async def clear_demo(request: Request) -> Response:
    """One click: everything invented is gone, everything real stays."""
    await request.state.db.write(_clear_example, request.state.user.id)
    await simulated.of(request).stop()
    request.state.site.snapshot = None
    return redirect(request, "/setup/business", "The demo data is gone.")


async def _show_document(request: Request, form: forms.Form, status: int = 200) -> Response:
    done = await request.state.db.read(checklist.finished)
    return render(request, "pages/setup_document.html", {"form": form, "finished": done}, status=status)


def _business_form(conn: Connection, settings: Settings) -> dict[str, Any]:
    now = settings_rows.load(conn)
    hours = now.get("business_hours") or {day: list(span) for day, span in business.DEFAULT_HOURS.items()}
    zone = now.get("timezone") or ("" if settings.timezone == "UTC" else settings.timezone)
    form = forms.Form({"name": str(now.get("business_name") or ""), "timezone": zone})
    for day in business.DAYS:
        if day in hours:
            form.values |= {f"open_{day}": "1", f"from_{day}": hours[day][0], f"to_{day}": hours[day][1]}
    return {"form": form, "example": example_clear.present(conn), "finished": checklist.finished(conn)}


def _entered(form: forms.Form) -> dict[str, Any]:
    """The settings of the form. Raises Invalid with every bad field."""
    name = form.text("name", longest=100, missing="Enter the name customers know.")
    zone = form.text("timezone", longest=64, missing="Choose a time zone.")
    hours = {
        day: [form.values.get(f"from_{day}", ""), form.values.get(f"to_{day}", "")]
        for day in business.DAYS
        if form.flag(f"open_{day}")
    }
    if zone:
        try:
            config.check("timezone", zone)
        except Invalid:
            form.errors["timezone"] = "This is no time zone. Write one like Asia/Dubai."
    try:
        business.check_hours(hours)
    except Invalid:
        form.errors["hours"] = "Each open day needs two times, the first one earlier."
    form.check()
    return {"business_name": name, "timezone": zone, "business_hours": hours}


def _save(conn: Connection, values: dict[str, Any], user_id: int) -> None:
    for name, value in values.items():
        settings_rows.save(conn, name, value, user_id)
    audit.record(conn, "settings", user_id, names=sorted(values))


async def _given(form: forms.Form, limit_bytes: int) -> NewDocument:
    """The document of the form: the file if there is one, else the text. Raises Invalid."""
    title, content, file = form.text("title", longest=300, required=False), form.values.get("content", ""), form.files.get("file")
    if file is not None and file.filename:
        data = await file.read()
        await file.close()
        return from_upload(file.filename, data, title or file.filename.rpartition(".")[0], "guidance", limit_bytes)
    if not content.strip():
        raise Invalid("nothing to learn", {"content": "Paste a text or choose a file."})
    first_line = content.strip().splitlines()[0].strip("# ")[:80]
    return NewDocument(title or first_line, "guidance", content, "md")


def _load_example(conn: Connection, box: Any, user_id: int) -> None:
    example_load.load(conn, box, user_id)
    audit.record(conn, "example_loaded", user_id)


def _clear_example(conn: Connection, user_id: int) -> None:
    example_clear.clear(conn)
    audit.record(conn, "example_cleared", user_id)
