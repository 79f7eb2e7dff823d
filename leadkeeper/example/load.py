"""Put the example business into a database, once: documents, name and hours, leads with what expires."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert

from leadkeeper import clock
from leadkeeper.crm import accounts, expiries, simulated
from leadkeeper.example import business
from leadkeeper.example.business import Prospect
from leadkeeper.knowledge import documents
from leadkeeper.secretbox import SecretBox
from leadkeeper.store import settings_rows
from leadkeeper.store.schema import contacts, identities, leads
from leadkeeper.store.signals import signal

MARK = "example"
"""The settings row that says what the example brought: {documents: {id: version}, settings: {name: value}}."""


def in_the_way(conn: Connection) -> str:
    """The name of a connected account whose real customers would be answered from invented documents; empty: none."""
    return "" if loaded(conn) else next(iter(accounts.reaching_customers(conn)), "")


def load(conn: Connection, box: SecretBox, user_id: int | None = None) -> dict[str, Any]:
    """Load the example and return its mark; loading it again changes nothing.

    A name or hours somebody has entered stay: only what is empty is filled.
    """
    held: dict[str, Any] | None = settings_rows.get(conn, MARK)
    if held is not None:
        return held
    account_id = simulated.ensure(conn, box)
    added = [documents.add(conn, new, user_id) for new in business.documents()]
    for prospect in business.prospects():
        _introduce(conn, account_id, prospect)
    mark = {"documents": [document.id for document in added], "settings": _settings(conn, user_id)}
    settings_rows.save(conn, MARK, mark, user_id)
    signal(conn, "inbox", "channels")
    return mark


def loaded(conn: Connection) -> bool:
    """True while the example is in this database."""
    return settings_rows.get(conn, MARK) is not None


def _settings(conn: Connection, user_id: int | None) -> dict[str, Any]:
    """Fill what is empty; returns what was filled, so that clearing takes back exactly that."""
    wanted = {"business_name": business.NAME, "timezone": business.TIMEZONE, "business_hours": business.HOURS}
    filled = {name: value for name, value in wanted.items() if not settings_rows.get(conn, name)}
    for name, value in filled.items():
        settings_rows.save(conn, name, value, user_id)
    return filled


def _introduce(conn: Connection, account_id: int, prospect: Prospect) -> None:
    """A lead that came by another way and has not written yet."""
    now = clock.now()
    came = now - timedelta(days=20)
    person = prospect.person
    contact_id = conn.execute(
        insert(contacts)
        .values(
            name=person.name, phone=f"+{person.wa_id}", nationality=person.nationality, language=person.language,
            set_by_person=[], created_at=came,
        )
        .returning(contacts.c.id)
    ).scalar_one()  # fmt: skip
    conn.execute(
        insert(identities).values(
            contact_id=contact_id, account_id=account_id, external_id=person.wa_id, kind="wa_id", created_at=came
        )
    )
    lead_id = conn.execute(insert(leads).values(_lead(prospect, int(contact_id), came, now)).returning(leads.c.id)).scalar_one()
    if prospect.expiry_kind is not None:
        expires_on = (now + timedelta(days=prospect.expiry_days)).date()
        expiries.set_by_person(conn, int(lead_id), prospect.expiry_kind, expires_on)


def _lead(prospect: Prospect, contact_id: int, came: datetime, now: datetime) -> dict[str, Any]:
    hours = prospect.follow_up_hours
    return {
        "contact_id": contact_id,
        "stage": prospect.stage,
        "source": "whatsapp",
        "service": prospect.service,
        "notes": prospect.notes,
        "fields": {},
        "set_by_person": [],
        "next_follow_up_at": None if hours is None else now + timedelta(hours=hours),
        "stage_at": came,
        "created_at": came,
        "updated_at": now,
    }
