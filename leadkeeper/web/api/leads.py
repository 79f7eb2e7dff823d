"""Leads by JSON: one lead, what a person changes in it, and leads that come from forms."""

from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import Request
from pydantic import AwareDatetime, ConfigDict, Field, field_validator
from sqlalchemy import Connection

from leadkeeper.access.users import clean_email
from leadkeeper.crm import inbox, intake, lead_card, leads
from leadkeeper.crm.expiries import KINDS
from leadkeeper.errors import Invalid
from leadkeeper.rules import words
from leadkeeper.web.access import Access
from leadkeeper.web.api.inbox import check_owner
from leadkeeper.web.json_api import Shape, router
from leadkeeper.web.json_shape import LARGEST_ID, Id
from leadkeeper.web.said_json import conversation_json, lead_json

readers = router("/api/leads", access=Access.VIEWER, tag="Leads")
agents = router("/api/leads", access=Access.AGENT, tag="Leads")
doors = router("/api/leads", access=Access.INGEST, tag="Leads")

EARLIEST, LATEST = date(1990, 1, 1), date(2200, 1, 1)

Fact = str | int | float | bool | None
Short = Annotated[str, Field(max_length=200)]
Key = Annotated[str, Field(min_length=1, max_length=64)]


class LeadChanges(Shape):
    """What a person changes; names that are not given stay, null empties. Unknown names are refused."""

    model_config = ConfigDict(extra="forbid")

    stage: str = ""
    owner_id: int | None = Field(None, ge=1, le=LARGEST_ID)
    next_follow_up_at: AwareDatetime | None = None
    expiries: dict[Key, date | None] = Field(default_factory=dict, max_length=50)
    fields: dict[Key, Fact] = Field(default_factory=dict, max_length=100)
    name: Short | None = None
    phone: Annotated[str, Field(max_length=64)] | None = None
    email: Annotated[str, Field(max_length=320)] | None = None
    nationality: Annotated[str, Field(max_length=64)] | None = None
    company: Short | None = None
    service: Annotated[str, Field(max_length=64)] | None = None
    notes: Annotated[str, Field(max_length=20_000)] | None = None
    score: int = Field(50, ge=0, le=100)
    autopilot: bool = True

    @field_validator("next_follow_up_at")
    @classmethod
    def _near(cls, at: datetime | None) -> datetime | None:
        if at is not None and not EARLIEST.year <= at.year < LATEST.year:
            raise ValueError(f"between {EARLIEST.year} and {LATEST.year}")
        return None if at is None else at.astimezone(UTC)

    @field_validator("expiries")
    @classmethod
    def _known(cls, given: dict[str, date | None]) -> dict[str, date | None]:
        unknown = sorted(set(given) - set(KINDS))
        if unknown:
            raise ValueError(f"unknown: {', '.join(unknown)}; known: {', '.join(KINDS)}")
        if any(on is not None and not EARLIEST <= on < LATEST for on in given.values()):
            raise ValueError(f"between {EARLIEST} and {LATEST}")
        return given

    @field_validator("fields")
    @classmethod
    def _small(cls, given: dict[str, Fact]) -> dict[str, Fact]:
        if any(len(str(value)) > 1_000 for value in given.values()):
            raise ValueError("a value is longer than 1,000 characters")
        return given

    def changes(self) -> dict[str, Any]:
        """What was given, by our own names."""
        given: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        if "stage" in given:
            given["stage"] = given["stage"].strip().lower()
        return {name: value.strip() or None if isinstance(value, str) else value for name, value in given.items()}


class Ingested(Shape):
    """A lead from a form or an advertisement."""

    full_name: Short = ""
    phone: Annotated[str, Field(max_length=64)] = ""
    email: Annotated[str, Field(max_length=320)] | None = None
    service: Annotated[str, Field(max_length=300)] | None = None
    source: Short | None = None
    notes: Annotated[str, Field(max_length=10_000)] | None = None


@doors.post("/ingest")
async def ingest(request: Request, given: Ingested) -> dict[str, Any]:
    """Take a lead: its contact is found by phone or e-mail, its open lead is used again. Sending twice changes nothing."""
    missing = {name: "is needed" for name, value in (("fullName", given.full_name), ("phone", given.phone)) if not value.strip()}
    if missing:
        raise Invalid("The lead was not taken: fullName and phone are needed.", missing)
    if given.email is not None and given.email.strip():
        clean_email(given.email)
    taken = await request.state.db.write(_take, given)
    return {"ok": True, "success": True, "leadId": taken.lead_id, "contactId": taken.contact_id, "created": taken.created}


@readers.get("/{lead_id}")
async def lead(request: Request, lead_id: Id) -> dict[str, Any]:
    """One lead with its contact, expiries and conversations."""
    card, threads = await request.state.db.read(_lead, lead_id)
    return {"ok": True, "lead": lead_json(card), "conversations": [conversation_json(each) for each in threads]}


@agents.patch("/{lead_id}")
async def change_lead(request: Request, lead_id: Id, given: LeadChanges) -> dict[str, Any]:
    """Change what is given; those fields are a person's from then on and no message overwrites them."""
    card = await request.state.db.write(apply_changes, lead_id, given.changes(), request.state.user.id)
    return {"ok": True, "lead": lead_json(card)}


def _take(conn: Connection, given: Ingested) -> intake.Taken:
    hits = words.current(conn).find("service", given.service or "")
    person = intake.Person(
        name=given.full_name.strip(),
        phone=given.phone,
        email=(given.email or "").strip().lower() or None,
        service=hits[0].value if hits else None,
        service_text=(given.service or "").strip() or None,
        source=given.source,
        notes=given.notes,
    )
    return intake.take(conn, person)


def _lead(conn: Connection, lead_id: int) -> tuple[lead_card.LeadCard, list[inbox.Card]]:
    card = lead_card.card(conn, lead_id)
    return card, inbox.of_contact(conn, card.contact_id)


def apply_changes(conn: Connection, lead_id: int, changes: dict[str, Any], user_id: int) -> lead_card.LeadCard:
    """Change what a person entered and return the lead after it. Raises Invalid naming each bad field."""
    if changes.get("owner_id") is not None:
        check_owner(conn, changes["owner_id"])
    if changes.get("phone") is not None:
        changes["phone"] = intake.number(changes["phone"])
    leads.update_by_person(conn, lead_id, changes, user_id)
    return lead_card.card(conn, lead_id)
