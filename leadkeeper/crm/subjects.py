"""Whom a piece of work is about: from what its data names to the customer and the conversation."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select

from leadkeeper.store.schema import contacts, conversations, leads, messages


@dataclass(frozen=True, slots=True)
class Subject:
    """A customer: the lead's id, the name if it is known, and the conversation if there is one."""

    lead_id: int
    name: str | None
    conversation_id: int | None = None


def of_data(conn: Connection, data: Mapping[int, Mapping[str, Any]]) -> dict[int, Subject]:
    """The subjects of jobs, given each one's data by its id; jobs about nobody are left out.

    One statement for each way of naming somebody, however many jobs there are.
    """
    ways = (
        ("eventId", _talk(messages.c.event_id).join(messages, messages.c.conversation_id == conversations.c.id)),
        ("messageId", _talk(messages.c.id).join(messages, messages.c.conversation_id == conversations.c.id)),
        ("conversationId", _talk(conversations.c.id)),
        ("leadId", select(leads.c.id.label("named"), leads.c.id.label("lead_id"), contacts.c.name)
         .join(contacts, contacts.c.id == leads.c.contact_id)),
    )  # fmt: skip
    found: dict[int, Subject] = {}
    for name, query in ways:
        wanted = {job_id: each[name] for job_id, each in data.items() if job_id not in found and isinstance(each.get(name), int)}
        known = _known(conn, query, set(wanted.values()))
        found |= {job_id: known[number] for job_id, number in wanted.items() if number in known}
    return found


def search(conn: Connection, text: str, limit: int = 8) -> list[Subject]:
    """Leads whose contact's name, phone or e-mail holds `text`, the newest first; a bare number is also a lead's id."""
    like = f"%{text.strip().replace('%', '').replace('_', '')}%"
    matches = contacts.c.name.ilike(like) | contacts.c.phone.ilike(like) | contacts.c.email.ilike(like)
    number = text.strip()
    if number.isascii() and number.isdigit() and len(number) < 16:
        matches |= leads.c.id == int(number)
    query = select(leads.c.id, contacts.c.name, contacts.c.phone).join(contacts, contacts.c.id == leads.c.contact_id)
    rows = conn.execute(query.where(matches).order_by(leads.c.id.desc()).limit(limit))
    return [Subject(row.id, row.name or row.phone) for row in rows]


def of_lead(conn: Connection, lead_id: int) -> Subject | None:
    """One lead, or None."""
    query = select(contacts.c.name, contacts.c.phone).join(leads, contacts.c.id == leads.c.contact_id)
    row = conn.execute(query.where(leads.c.id == lead_id)).first()
    return None if row is None else Subject(lead_id, row.name or row.phone)


def _talk(named: Any) -> Select[Any]:
    return select(
        named.label("named"), conversations.c.lead_id, contacts.c.name, conversations.c.id.label("conversation_id")
    ).select_from(conversations.join(contacts, contacts.c.id == conversations.c.contact_id))


def _known(conn: Connection, query: Select[Any], numbers: Collection[int]) -> dict[int, Subject]:
    if not numbers:
        return {}
    rows = conn.execute(query.where(query.selected_columns["named"].in_(numbers)))
    return {row.named: Subject(row.lead_id, row.name, getattr(row, "conversation_id", None)) for row in rows}
