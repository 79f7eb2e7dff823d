"""A lead as people see it: with its contact and what of theirs expires."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select

from leadkeeper.crm import expiries
from leadkeeper.errors import NotFound
from leadkeeper.store.schema import contacts, leads, users


@dataclass(frozen=True, slots=True)
class Expiry:
    """When something of the lead's ends. `source` is customer or person."""

    kind: str
    expires_on: date
    source: str
    renewed_at: datetime | None


@dataclass(frozen=True, slots=True)
class LeadCard:
    """A lead with its contact's fields. `set_by_person`: what no message overwrites."""

    id: int
    contact_id: int
    name: str | None
    phone: str | None
    email: str | None
    nationality: str | None
    company: str | None
    opted_out_at: datetime | None
    opted_out_by: str | None
    stage: str
    stage_at: datetime
    source: str
    service: str | None
    service_text: str | None
    owner_id: int | None
    owner_name: str | None
    score: int
    next_follow_up_at: datetime | None
    fields: Mapping[str, Any]
    set_by_person: Sequence[str]
    notes: str | None
    autopilot: bool
    created_at: datetime
    updated_at: datetime
    expiries: Sequence[Expiry]


def card(conn: Connection, lead_id: int) -> LeadCard:
    """One lead. Raises NotFound."""
    mine = [leads.c[name] for name in LeadCard.__slots__ if name in leads.c and name != "id"]
    query = (
        select(
            leads.c.id, *mine, contacts.c.name, contacts.c.phone, contacts.c.email, contacts.c.nationality,
            contacts.c.company, contacts.c.opted_out_at, contacts.c.opted_out_by, users.c.name.label("owner_name"),
            contacts.c.set_by_person.label("contact_set_by_person"),
        )
        .join(contacts, contacts.c.id == leads.c.contact_id)
        .outerjoin(users, users.c.id == leads.c.owner_id)
        .where(leads.c.id == lead_id)
    )  # fmt: skip
    row = conn.execute(query).first()
    if row is None:
        raise NotFound(f"there is no lead {lead_id}")
    values = dict(row._mapping)
    values["set_by_person"] = sorted({*row.set_by_person, *values.pop("contact_set_by_person")})
    ends = [Expiry(found.kind, found.expires_on, found.source, found.renewed_at) for found in expiries.of_lead(conn, lead_id)]
    return LeadCard(**values, expiries=ends)
