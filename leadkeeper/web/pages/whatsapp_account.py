"""Connecting a WhatsApp number and looking after it: credentials, live check, switch, resume, verify token."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from leadkeeper.access import audit
from leadkeeper.channels.base import Account, Health
from leadkeeper.crm import account_cards, accounts, outages
from leadkeeper.crm.account_cards import Card
from leadkeeper.crm.buckets import Rate
from leadkeeper.errors import Conflict, Forbidden, Invalid
from leadkeeper.secretbox import SecretBox
from leadkeeper.web import forms, whatsapp_form
from leadkeeper.web.access import Access
from leadkeeper.web.forms import Form
from leadkeeper.web.pages.channels import a_second, address, pair
from leadkeeper.web.render import redirect, render
from leadkeeper.web.routes import page
from leadkeeper.web.whatsapp_form import Entered

PATH = "/channels/{account_id:int}"
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class AccountView:
    """One account (None: to be connected), its form, and what was just learnt. `shown_token` is shown this once."""

    card: Card | None
    form: Form
    webhook: str
    reachable: bool
    graph_url: str
    told: Health | None = None
    shown_token: str = ""

    def a_second(self, card: Card) -> int | None:
        """Messages a second its provider takes from it."""
        return a_second(card)

    def pair(self, card: Card) -> Rate | None:
        """How fast one recipient may be written to."""
        return pair(card)


@page("/channels/connect", title="Connect a WhatsApp number", access=Access.ADMIN)
async def connect_whatsapp(request: Request) -> Response:
    """The form, and what to do at Meta."""
    return _show(request, None, Form())


@page.post("/channels/connect", title="Connect a WhatsApp number", access=Access.ADMIN)
async def save_whatsapp(request: Request) -> Response:
    """Check live, then store; one that does not answer is stored only when asked for a second time."""
    form = await forms.read(request)
    try:
        entered = whatsapp_form.read_new(request, form)
        told = await whatsapp_form.check(request, entered.account())
        if not told.ok and not form.flag("anyway"):
            return _show(request, None, whatsapp_form.keep(request, form, "connect", entered.secrets), told, status=400)
        account_id = await _write(request, _connect, request.state.box, entered, told, request.state.user.id)
    except Conflict:
        form.errors["phone_number_id"] = "This number is connected already."
        return _show(request, None, whatsapp_form.keep(request, form, "connect", {}), status=400)
    except Invalid as error:
        return _show(request, None, whatsapp_form.keep(request, form.failed(error), "connect", {}), status=400)
    card = await request.state.db.read(account_cards.card, account_id)
    return _show(request, card, _filled(card), told, shown_token=entered.secrets["verify_token"])


@page(PATH, title="WhatsApp number", access=Access.ADMIN)
async def whatsapp_account(request: Request) -> Response:
    """One number: how it goes, and its credentials to be replaced."""
    card = await _card(request)
    return _show(request, card, _filled(card))


@page.post(PATH, title="WhatsApp number", access=Access.ADMIN)
async def change_whatsapp(request: Request) -> Response:
    """Check the changed credentials live, then store them."""
    card = await _card(request, editable=True)
    form, state = await forms.read(request), request.state
    purpose = f"account:{card.id}"
    try:
        stored = await state.db.read(accounts.load, state.box, card.id)
        entered, typed = whatsapp_form.read_change(request, form, card, stored)
    except Invalid as error:
        return _show(request, card, whatsapp_form.keep(request, form.failed(error), purpose, {}), status=400)
    told = await whatsapp_form.check(request, entered.account())
    if not told.ok and not form.flag("anyway"):
        return _show(request, card, whatsapp_form.keep(request, form, purpose, typed), told, status=400)
    await _write(request, _change, state.box, card.id, entered, typed, told, state.user.id)
    if not told.ok:
        return redirect(request, f"/channels/{card.id}", "Saved, although the check failed.", kind="bad")
    return redirect(request, f"/channels/{card.id}", "Saved, and it works.")


@page.post(PATH + "/check", access=Access.ADMIN)
async def check_whatsapp(request: Request) -> Response:
    """Ask the provider now."""
    card = await _card(request)
    told = await whatsapp_form.check(request, await _stored(request, card))
    await _write(request, _note, request.state.box, card.id, told)
    if not told.ok:
        return redirect(request, f"/channels/{card.id}", "The check failed: {reason}", kind="bad", reason=told.reason)
    return redirect(request, f"/channels/{card.id}", "It works: {name}, {number}", name=told.name, number=told.address)


@page.post(PATH + "/resume", access=Access.ADMIN)
async def resume_whatsapp(request: Request) -> Response:
    """Send again, after a live check; without one when a person insists."""
    card, form = await _card(request), await forms.read(request)
    if not form.flag("anyway"):
        told = await whatsapp_form.check(request, await _stored(request, card))
        if not told.ok:
            await _write(request, _note, request.state.box, card.id, told)
            return redirect(request, f"/channels/{card.id}", "Not resumed: {reason}", kind="bad", reason=told.reason)
    await _write(request, _resume, card.id, request.state.user.id)
    return redirect(request, f"/channels/{card.id}", "Resumed. What waited is being sent.")


@page.post(PATH + "/try", access=Access.ADMIN)
async def try_whatsapp(request: Request) -> Response:
    """End the rest of a number whose provider did not answer: one message tries now."""
    card = await _card(request)
    if await _write(request, _try, card.id, request.state.user.id):
        return redirect(request, "/channels", "One message tries now. If it is answered, all others follow.")
    return redirect(request, "/channels", "It sends again already.")


@page.post(PATH + "/switch", access=Access.ADMIN)
async def switch_whatsapp(request: Request) -> Response:
    """Switch it off, or on again."""
    card, form = await _card(request, editable=True), await forms.read(request)
    on = form.flag("on")
    await _write(request, _switch, card.id, on, request.state.user.id)
    return redirect(request, f"/channels/{card.id}", "It is on again." if on else "It is off: nothing comes in or goes out.")


@page.post(PATH + "/verify-token", title="WhatsApp number", access=Access.ADMIN)
async def new_verify_token(request: Request) -> Response:
    """Replace the verify token by a fresh one, and show it this once."""
    card = await _card(request, editable=True)
    token = whatsapp_form.new_verify_token()
    await _write(request, _new_token, request.state.box, card.id, token, request.state.user.id)
    return _show(request, card, _filled(card), shown_token=token)


async def _write(request: Request, change: Callable[..., R], *values: object) -> R:
    """Write, and let the doors and the page know at once."""
    result: R = await request.state.db.write(change, *values)
    request.state.site.doors.forget()
    request.state.site.reread()
    return result


async def _card(request: Request, *, editable: bool = False) -> Card:
    card: Card = await request.state.db.read(account_cards.card, request.path_params["account_id"])
    if card.channel != "whatsapp" or (editable and not card.editable):
        raise Forbidden("This account is not changed here.")
    return card


async def _stored(request: Request, card: Card) -> Account:
    account: Account = await request.state.db.read(accounts.load, request.state.box, card.id)
    return account


def _filled(card: Card) -> Form:
    return Form({"name": card.name, "base_url": card.base_url})


def _show(
    request: Request, card: Card | None, form: Form, told: Health | None = None, shown_token: str = "", status: int = 200
) -> Response:
    settings = request.state.settings
    webhook = f"{address(request)}/api/webhooks/whatsapp"
    view = AccountView(card, form, webhook, settings.secure, settings.graph_url, told, shown_token)
    return render(request, "pages/whatsapp_account.html", view, status=status)


def _connect(conn: Connection, box: SecretBox, entered: Entered, told: Health, user_id: int) -> int:
    config = {**entered.config, **whatsapp_form.found(told)}
    account_id = account_cards.connect(conn, box, entered.external_id, entered.name, entered.base_url, entered.secrets, config)
    audit.record(conn, "channel_connected", user_id, subject=f"account:{account_id}", checked=told.ok)
    return account_id


def _change(
    conn: Connection, box: SecretBox, account_id: int, entered: Entered, typed: Mapping[str, str], told: Health, user_id: int
) -> None:
    more: dict[str, Any] = whatsapp_form.found(told)
    accounts.save_credentials(conn, box, account_id, typed, more)
    account_cards.describe(conn, account_id, entered.name, entered.base_url)
    audit.record(conn, "channel_changed", user_id, subject=f"account:{account_id}", checked=told.ok, replaced=sorted(typed))


def _note(conn: Connection, box: SecretBox, account_id: int, told: Health) -> None:
    if told.ok:
        accounts.save_credentials(conn, box, account_id, {}, whatsapp_form.found(told))
    else:
        accounts.note_error(conn, account_id, told.reason)


def _resume(conn: Connection, account_id: int, user_id: int) -> None:
    accounts.resume(conn, account_id)
    audit.record(conn, "channel_resumed", user_id, subject=f"account:{account_id}")


def _try(conn: Connection, account_id: int, user_id: int) -> bool:
    ended = outages.try_now(conn, account_id)
    if ended:
        audit.record(conn, "channel_tried", user_id, subject=f"account:{account_id}")
    return ended


def _switch(conn: Connection, account_id: int, on: bool, user_id: int) -> None:
    (account_cards.switch_on if on else account_cards.switch_off)(conn, account_id)
    audit.record(conn, "channel_switched", user_id, subject=f"account:{account_id}", on=on)


def _new_token(conn: Connection, box: SecretBox, account_id: int, token: str, user_id: int) -> None:
    accounts.save_credentials(conn, box, account_id, {"verify_token": token})
    audit.record(conn, "channel_changed", user_id, subject=f"account:{account_id}", replaced=["verify_token"])
