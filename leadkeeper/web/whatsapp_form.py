"""The form that connects a WhatsApp number: reading it, checking it live, saying what the provider said."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from leadkeeper.channels.base import Account, Health
from leadkeeper.channels.whatsapp.health import health
from leadkeeper.crm.account_cards import SECRETS, Card
from leadkeeper.web import sealed
from leadkeeper.web.forms import Form
from leadkeeper.web_addresses import origin, takes_secrets

LONGEST_SECRET = 4000


@dataclass(frozen=True, slots=True)
class Entered:
    """What was entered, with the secrets in clear: for the check and for storing, never for a page."""

    external_id: str
    name: str
    base_url: str
    version: str
    secrets: Mapping[str, str]

    def account(self) -> Account:
        """The account as the live check calls it."""
        return Account(0, "whatsapp", self.external_id, self.name, self.base_url, self.config, credentials=self.secrets)

    @property
    def config(self) -> dict[str, Any]:
        """What is kept beside the credentials; nothing secret."""
        return {"version": self.version}


def read_new(request: Request, form: Form) -> Entered:
    """The number of the connect form. Raises Invalid with every bad field."""
    number = form.text("phone_number_id", longest=40, missing="Enter the phone number ID.")
    if number and not (number.isascii() and number.isdigit()):
        form.errors["phone_number_id"] = "Only digits: it is the ID Meta gave the number, not the number itself."
    entered = _read(request, form, "connect", number, "")
    for name, missing in (("token", "Enter the access token."), ("app_secret", "Enter the app secret.")):
        if not entered.secrets[name] and name not in form.errors:
            form.errors[name] = missing
    form.check()
    made = {**entered.secrets, "verify_token": entered.secrets["verify_token"] or new_verify_token()}
    return Entered(entered.external_id, entered.name, entered.base_url, entered.version, made)


def read_change(request: Request, form: Form, card: Card, stored: Account) -> tuple[Entered, dict[str, str]]:
    """The number as it will be, and the secrets that were entered anew. Raises Invalid with every bad field.

    A token that is stored is sent only where it was sent before: another address needs it typed again.
    """
    entered = _read(request, form, f"account:{card.id}", card.external_id, str(stored.config.get("version") or ""))
    typed = {name: value for name, value in entered.secrets.items() if value}
    if origin(entered.base_url) != origin(card.base_url) and "token" not in typed and "base_url" not in form.errors:
        form.errors["token"] = "Enter the token again: the stored one is sent only to the address it was entered for."  # noqa: S105
    form.check()
    whole = {**stored.credentials, **typed}
    return Entered(entered.external_id, entered.name, entered.base_url, entered.version, whole), typed


def keep(request: Request, form: Form, purpose: str, given: Mapping[str, str]) -> Form:
    """The form to be shown again: its secrets are sealed, not shown."""
    for name in SECRETS:
        form.values.pop(name, None)
    form.values[sealed.FIELD] = sealed.keep(request.state.box, purpose, given)
    return form


async def check(request: Request, account: Account) -> Health:
    """Ask the provider whether these credentials work."""
    async with request.state.site.client() as http:
        return await health(http, account)


def found(told: Health) -> dict[str, str | int]:
    """What a check that succeeded tells of the number, to be kept with the account."""
    known: dict[str, str | int] = {
        "display_number": told.address, "verified_name": told.name, "quality": told.quality, "throughput": told.throughput,
    }  # fmt: skip
    return {name: value for name, value in known.items() if value and told.ok}


def new_verify_token() -> str:
    """A fresh random verify token."""
    return secrets.token_urlsafe(24)


def _read(request: Request, form: Form, purpose: str, number: str, version: str) -> Entered:
    settings = request.state.settings
    given = sealed.restore(request.state.box, purpose, form, SECRETS)
    for name, value in given.items():
        if value and not (value.isascii() and value.isprintable() and " " not in value):
            form.errors[name] = "This does not look right: it must be one word of plain letters, digits and signs."
    base_url = form.text("base_url", longest=300, required=False).rstrip("/") or settings.graph_url
    if not origin(base_url):
        form.errors["base_url"] = "Enter a web address, like https://graph.facebook.com."
    elif not takes_secrets(base_url):
        form.errors["base_url"] = "Use https: the token would travel unprotected."
    name = form.text("name", longest=100, required=False) or f"WhatsApp {number}"
    return Entered(number, name, base_url, version or settings.graph_version, given)
