"""Leads: business opportunities of a contact, with what we know of them."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from leadkeeper import clock
from leadkeeper.crm import contacts, expiries, timeline
from leadkeeper.errors import Invalid, NotFound
from leadkeeper.store.prepared import Prepared, Row, among
from leadkeeper.store.schema import CLOSED_STAGES, STAGES, users
from leadkeeper.store.schema import contacts as people
from leadkeeper.store.schema import leads as table
from leadkeeper.store.signals import signal
from leadkeeper.store.upsert import change_row, insert_all

REUSED_FOR = timedelta(days=30)
EDITABLE = ("stage", "service", "notes", "score", "next_follow_up_at", "owner_id", "autopilot")


def get(conn: Connection, lead_id: int, *, lock: bool = False) -> Row:
    """One lead, held against other writers when asked. Raises NotFound."""
    row = (_GET_LOCKED if lock else _GET).first(conn, id=lead_id)
    if row is None:
        raise NotFound(f"there is no lead {lead_id}")
    return row


def for_contact(conn: Connection, contact_id: int, source: str, referral: Mapping[str, Any] | None = None) -> int:
    """The contact's newest open lead younger than 30 days, else a new one at stage `new`."""
    now = clock.now()
    found = _REUSED.first(conn, contact_id=contact_id, since=now - REUSED_FOR)
    if found is None and conn.dialect.name != "sqlite":  # only one of those who find none makes one
        contacts.get(conn, contact_id, lock=True)
        found = _REUSED.first(conn, contact_id=contact_id, since=now - REUSED_FOR)
    if found is not None:
        if referral and not found.referral:
            change_row(conn, table, found.id, referral=dict(referral))
        return int(found.id)
    (made,) = insert_all(conn, table, [new_row(contact_id, source, referral)], table.c.id)
    signal(conn, "inbox")
    return int(made.id)


def new_row(contact_id: int, source: str, referral: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A lead at its beginning."""
    now = clock.now()
    return {
        "contact_id": contact_id,
        "stage": "new",
        "source": source,
        "fields": {},
        "set_by_person": [],
        "referral": dict(referral) if referral else None,
        "stage_at": now,
        "created_at": now,
        "updated_at": now,
    }


def merge(conn: Connection, contact_id: int, lead_id: int, found: Mapping[str, Any]) -> dict[str, Any]:
    """Take what a message said into contact and lead; returns what changed.

    `found` may hold contact fields, `service` with `service_text`, `expiries` {kind: date} and
    counts. Nothing is erased, and what a person entered is never overwritten; a later message may
    correct what an earlier one said.
    """
    if not found:
        return {}
    changes = contacts.fill(conn, contact_id, found, correct=True)
    values: dict[str, Any] = {}
    if _news(get(conn, lead_id), found):
        lead = get(conn, lead_id, lock=True)  # a person may be writing beside us: what they enter is not lost
        values = _news(lead, found)
    for kind, expires_on in found.get("expiries", {}).items():
        if expiries.learn(conn, lead_id, kind, expires_on):
            changes[f"expiry {kind}"] = expires_on.isoformat()
    if values:
        changes |= {name: value for name, value in values.items() if name != "fields"} | values.get("fields", {})
        if "fields" in values:
            values["fields"] = {**lead.fields, **values["fields"]}
        change_row(conn, table, lead_id, updated_at=clock.now(), **values)
    return changes


def _news(lead: Row, found: Mapping[str, Any]) -> dict[str, Any]:
    """What of it the lead does not say yet and nobody has entered: columns, and `fields` with the others."""
    mine = lead.set_by_person
    names = ("service", "service_text") if "service" not in mine else ()
    values = {name: found[name] for name in names if found.get(name) and getattr(lead, name) != found[name]}
    known = {*contacts.FIELDS, "service", "service_text", "expiries"}
    facts = {name: value for name, value in found.items() if name not in known and name not in mine and value}
    fresh = {name: value for name, value in facts.items() if lead.fields.get(name) != value}
    return {**values, "fields": fresh} if fresh else values


def update_by_person(
    conn: Connection, lead_id: int, changes: Mapping[str, Any], user_id: int | None, conversation_id: int | None = None
) -> Row:
    """Apply what a person entered; those fields are theirs from now on. Raises Invalid naming bad fields.

    `changes` may hold lead fields (EDITABLE), contact fields, `fields` {name: value} and `expiries`
    {kind: date or None}.
    """
    lead = get(conn, lead_id, lock=True)
    _check(conn, changes)
    values = {name: changes[name] for name in EDITABLE if name in changes}
    if "stage" in values and values["stage"] != lead.stage:
        values["stage_at"] = clock.now()
    if "fields" in changes:
        values["fields"] = {**lead.fields, **changes["fields"]}
    mine = {name for name in ("service", "stage") if name in changes} | set(changes.get("fields", {}))
    values["set_by_person"] = sorted({*lead.set_by_person, *mine})
    conn.execute(update(table).where(table.c.id == lead_id).values(updated_at=clock.now(), **values))
    _update_contact(conn, lead.contact_id, {name: changes[name] for name in contacts.FIELDS if name in changes})
    for kind, expires_on in changes.get("expiries", {}).items():
        expiries.set_by_person(conn, lead_id, kind, expires_on)
    shown = {name: _shown(value) for name, value in changes.items()}
    timeline.add(conn, "lead", lead_id=lead_id, conversation_id=conversation_id, user_id=user_id, changes=shown)
    signal(conn, "inbox")
    return get(conn, lead_id)


def set_stage(conn: Connection, lead_id: int, stage: str) -> bool:
    """Move a lead to another stage; False when it is there already."""
    if stage not in STAGES:
        raise Invalid("unknown stage", {"stage": f"one of {', '.join(STAGES)}"})
    now = clock.now()
    moved = conn.execute(
        update(table).where(table.c.id == lead_id, table.c.stage != stage).values(stage=stage, stage_at=now, updated_at=now)
    )
    if moved.rowcount:
        timeline.add(conn, "stage", lead_id=lead_id, stage=stage)
    return bool(moved.rowcount)


def set_follow_up(conn: Connection, lead_id: int, at: datetime | None) -> None:
    """When somebody should write to this lead next."""
    conn.execute(update(table).where(table.c.id == lead_id).values(next_follow_up_at=at, updated_at=clock.now()))


def _update_contact(conn: Connection, contact_id: int, changes: Mapping[str, Any]) -> None:
    if not changes:
        return
    row = contacts.get(conn, contact_id, lock=True)
    mine = sorted({*row.set_by_person, *changes})
    conn.execute(update(people).where(people.c.id == contact_id).values(set_by_person=mine, **changes))


def _check(conn: Connection, changes: Mapping[str, Any]) -> None:
    known = {*EDITABLE, *contacts.FIELDS, "fields", "expiries"}
    wrong = {name: "unknown field" for name in changes if name not in known}
    if "stage" in changes and changes["stage"] not in STAGES:
        wrong["stage"] = f"one of {', '.join(STAGES)}"
    owner = changes.get("owner_id")
    if owner is not None and conn.execute(select(users.c.id).where(users.c.id == owner)).first() is None:
        wrong["owner_id"] = "no such user"
    if "score" in changes and not (isinstance(changes["score"], int) and 0 <= changes["score"] <= 100):
        wrong["score"] = "a number from 0 to 100"
    if wrong:
        raise Invalid("the lead was not changed", wrong)


def _shown(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: _shown(inner) for name, inner in value.items()}
    return value


_GET = Prepared(select(table).where(table.c.id == bindparam("id")))
_GET_LOCKED = Prepared(select(table).where(table.c.id == bindparam("id")).with_for_update())
_REUSED = Prepared(
    select(table.c.id, table.c.referral)
    .where(table.c.contact_id == bindparam("contact_id"), ~among(table.c.stage, CLOSED_STAGES))
    .where(table.c.created_at > bindparam("since"))
    .order_by(table.c.id.desc())
    .limit(1)
)
