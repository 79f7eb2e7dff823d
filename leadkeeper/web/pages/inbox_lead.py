"""The lead beside its conversation: what a person enters, what expires, whether messages are wanted."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access.users import clean_email
from leadkeeper.channels.storable import storable_text
from leadkeeper.config import Settings
from leadkeeper.crm import inbox, intake, lead_card
from leadkeeper.crm.expiries import KINDS
from leadkeeper.crm.lead_card import LeadCard
from leadkeeper.errors import Invalid
from leadkeeper.jobs import person
from leadkeeper.store.schema import STAGES
from leadkeeper.web import forms
from leadkeeper.web.access import Access
from leadkeeper.web.api.leads import EARLIEST, LATEST, apply_changes
from leadkeeper.web.forms import Form
from leadkeeper.web.pages.inbox_acts import ONE, act, back_of, refused
from leadkeeper.web.render import redirect
from leadkeeper.web.routes import page

TEXTS = {"name": 200, "email": 320, "nationality": 64, "company": 200, "service": 64, "notes": 20_000}
"""Longest value of each free text, in characters."""
MOMENT = "%Y-%m-%dT%H:%M"


@page.post(f"{ONE}/lead", title="Inbox", access=Access.AGENT, name="inbox_lead")
async def save_lead(request: Request) -> Response:
    """Keep what was changed; those fields are a person's from then on."""
    form = await forms.read(request)
    state = request.state
    try:
        await state.db.write(_save, state.settings, _id(request), state.user.id, form)
    except Invalid as error:
        return await refused(request, form, _by_field(error), "lead")
    return redirect(request, back_of(request, form), "The lead is saved.")


@page.post(f"{ONE}/expiry", title="Inbox", access=Access.AGENT, name="inbox_expiry")
async def set_expiry(request: Request) -> Response:
    """Add what expires, or change its date."""
    form = await forms.read(request)
    try:
        kind, on = form.choice("kind", KINDS), _day(form)
        form.check()
        await request.state.db.write(_change, _id(request), request.state.user.id, {"expiries": {kind: on}})
    except Invalid as error:
        return await refused(request, form, error, "expiry")
    return redirect(request, back_of(request, form), "The date is saved.")


@page.post(f"{ONE}/expiry/remove", access=Access.AGENT, name="inbox_expiry_remove")
async def remove_expiry(request: Request) -> Response:
    """Forget what expires."""
    form = await forms.read(request)
    kind = form.values.get("kind", "")
    changes = {"expiries": {kind: None}} if kind in KINDS else {}
    return await act(request, "The date is removed.", _change, request.state.user.id, changes)


@page.post(f"{ONE}/consent", access=Access.AGENT, name="inbox_consent")
async def consent(request: Request) -> Response:
    """The customer told a person that messages are unwanted, or welcome again."""
    form = await forms.read(request)
    if form.values.get("wanted") == "yes":
        return await act(request, "Messages may go to this customer again.", person.opt_in, request.state.user.id)
    return await act(request, "No automatic message goes to this customer any more.", person.opt_out, request.state.user.id)


def _id(request: Request) -> int:
    return int(request.path_params["conversation_id"])


def _change(conn: Connection, conversation_id: int, user_id: int, changes: dict[str, Any]) -> None:
    if changes:
        apply_changes(conn, inbox.card(conn, conversation_id).lead_id, changes, user_id)


def _save(conn: Connection, settings: Settings, conversation_id: int, user_id: int, form: Form) -> None:
    lead = lead_card.card(conn, inbox.card(conn, conversation_id).lead_id)
    given = _given(form, lead, settings.zone)
    form.check()
    changes = {name: value for name, value in given.items() if name == "fields" or value != getattr(lead, name)}
    if not changes.get("fields"):
        changes.pop("fields", None)
    if changes:
        apply_changes(conn, lead.id, changes, user_id)


def _given(form: Form, lead: LeadCard, zone: ZoneInfo) -> dict[str, Any]:
    """The form's values by our own names; what is wrong stands in `form.errors`."""
    given: dict[str, Any] = {name: form.text(name, longest=most, required=False) or None for name, most in TEXTS.items()}
    given["stage"] = form.choice("stage", STAGES)
    given["score"] = int(form.number("score", least=0, most=100))
    given["autopilot"] = form.flag("autopilot")
    owner = form.values.get("owner_id", "")
    given["owner_id"] = int(owner) if owner.isascii() and owner.isdigit() and len(owner) < 19 else None
    given["next_follow_up_at"] = _moment(form, lead, zone)
    if given["email"] is not None and given["email"] != lead.email:
        _tried(form, "email", lambda: clean_email(given["email"]))
    phone = form.text("phone", longest=64, required=False)
    given["phone"] = lead.phone if phone == (lead.phone or "") else phone or None
    if phone and given["phone"] != lead.phone:
        _tried(form, "phone", lambda: intake.number(phone))
    given["fields"] = _facts(form, lead)
    return given


def _facts(form: Form, lead: LeadCard) -> dict[str, Any]:
    """Facts whose words were changed; the last pair of fields may hold a new one."""
    facts: dict[str, Any] = {}
    for name, before in lead.fields.items():
        value = form.values.get(f"fact_{name}")
        if value is not None and storable_text(value).strip() != ("" if before is None else str(before)):
            facts[name] = form.text(f"fact_{name}", longest=1000, required=False) or None
    new = form.text("new_fact", longest=64, required=False)
    if new:
        facts[new] = form.text("new_value", longest=1000)
    return facts


def _moment(form: Form, lead: LeadCard, zone: ZoneInfo) -> datetime | None:
    """The follow-up in the business's time zone; the minute that stands already keeps its seconds."""
    text = form.values.get("next_follow_up_at", "").strip()
    before = lead.next_follow_up_at
    if before is not None and text == before.astimezone(zone).strftime(MOMENT):
        return before
    if not text:
        return None
    try:
        at = datetime.strptime(text[:16], MOMENT).replace(tzinfo=zone)
    except ValueError:
        form.errors["next_follow_up_at"] = "Enter a date and a time."
        return None
    if not EARLIEST.year <= at.year < LATEST.year:
        form.errors["next_follow_up_at"] = "This date is out of range."
    return at


def _day(form: Form) -> date | None:
    try:
        on = date.fromisoformat(form.values.get("expires_on", "").strip())
    except ValueError:
        form.errors["expires_on"] = "Enter a date."
        return None
    if not EARLIEST <= on < LATEST:
        form.errors["expires_on"] = "This date is out of range."
    return on


def _tried(form: Form, name: str, check: Any) -> None:
    try:
        check()
    except Invalid as error:
        form.errors[name] = error.fields.get(name, error.message)


def _by_field(error: Invalid) -> Invalid:
    """The API calls the owner userId; the form has another name for it."""
    fields = {"owner_id" if name == "userId" else name: words for name, words in error.fields.items()}
    return Invalid(error.message, fields)
