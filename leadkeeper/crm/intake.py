"""People who come by a form or an import: a contact and a lead, once, however often they are sent."""

import re
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from leadkeeper import clock
from leadkeeper.crm import accounts, contacts, leads, timeline
from leadkeeper.errors import Invalid
from leadkeeper.store.schema import contacts as contacts_table
from leadkeeper.store.schema import leads as leads_table
from leadkeeper.store.signals import signal

CHANNEL = "form"

SOURCES = ("website", "facebook_ad", "instagram_ad", "whatsapp", "manual")
_KNOWN_WORDS = {
    "facebook": "facebook_ad", "fb": "facebook_ad", "meta": "facebook_ad", "facebook ads": "facebook_ad",
    "instagram": "instagram_ad", "ig": "instagram_ad", "instagram ads": "instagram_ad", "wa": "whatsapp",
    "web": "website", "site": "website", "form": "website", "website form": "website", "landing page": "website",
}  # fmt: skip
LONGEST_NOTES = 20_000


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who gave their details. `phone` is as they wrote it; `service` the code, `service_text` their words."""

    name: str
    phone: str
    email: str | None = None
    service: str | None = None
    service_text: str | None = None
    source: str | None = None
    notes: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of it; `created` is False when the lead was there already."""

    contact_id: int
    lead_id: int
    created: bool


def source_of(word: str | None) -> str:
    """One of SOURCES for what a form calls its source; `website` where nothing is said, `manual` for unknown words."""
    text = " ".join((word or "website").replace("_", " ").replace("-", " ").lower().split())
    named = text.replace(" ", "_")
    return named if named in SOURCES else _KNOWN_WORDS.get(text, "manual")


def number(phone: str) -> str:
    """A phone number in one spelling: + and digits where the country is given, else digits. Raises Invalid."""
    digits = re.sub(r"[^0-9]", "", phone.strip().translate(_EASTERN_DIGITS))
    if not 6 <= len(digits) <= 15 or re.search(r"[^\W\d_]{3}", phone):
        raise Invalid("this is no phone number", {"phone": "digits with the country code, like +971501234567"})
    if digits.startswith("00"):
        return f"+{digits[2:]}"
    return f"+{digits}" if phone.strip().startswith("+") or not digits.startswith("0") else digits


_EASTERN_DIGITS = {0x660 + digit: str(digit) for digit in range(10)} | {0x6F0 + digit: str(digit) for digit in range(10)}


def take(conn: Connection, person: Person) -> Taken:
    """Find or make the contact (by phone, else by e-mail) and their lead; nothing known is overwritten."""
    phone = number(person.phone)
    contact_id = _contact(conn, person, phone)
    before = conn.execute(select(leads_table.c.id).where(leads_table.c.contact_id == contact_id)).scalars().all()
    lead_id = leads.for_contact(conn, contact_id, source_of(person.source))
    created = lead_id not in before
    leads.merge(conn, contact_id, lead_id, _said(person))
    _add_notes(conn, lead_id, person.notes)
    if created:
        timeline.add(conn, "ingested", lead_id=lead_id, source=source_of(person.source))
    signal(conn, "inbox")
    return Taken(contact_id, lead_id, created)


def _contact(conn: Connection, person: Person, phone: str) -> int:
    """One contact per number, also when two requests bring them at once: the identity is unique."""
    account_id = accounts.ensure(conn, CHANNEL, CHANNEL, "Web form")
    ids = [(phone, "phone")]
    known = {"name": person.name, "phone": phone, "email": person.email}
    found = contacts.by_phone_or_email(conn, phone, person.email)
    if found is None:
        found = contacts.resolve(conn, account_id, ids, known)
    else:
        contacts.fill(conn, found, known)
    conn.execute(select(contacts_table.c.id).where(contacts_table.c.id == found).with_for_update())
    return found


def _said(person: Person) -> dict[str, str]:
    said = {"service": person.service, "service_text": person.service_text}
    return {name: value for name, value in said.items() if value}


def _add_notes(conn: Connection, lead_id: int, notes: str | None) -> None:
    """Add what they wrote below what is there, once."""
    text = (notes or "").strip()
    before = leads.get(conn, lead_id).notes or ""
    if text and text not in before:
        joined = f"{before}\n{text}".strip()[:LONGEST_NOTES]
        conn.execute(update(leads_table).where(leads_table.c.id == lead_id).values(notes=joined, updated_at=clock.now()))
