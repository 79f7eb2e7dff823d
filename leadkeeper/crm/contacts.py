"""Contacts and the ids providers know them by. A phone number is an attribute, not an identity."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, func, select, update

from leadkeeper import clock
from leadkeeper.errors import NotFound
from leadkeeper.store.given import TEXT, Given
from leadkeeper.store.prepared import Prepared, Row
from leadkeeper.store.schema import contacts as table
from leadkeeper.store.schema import conversations, identities, leads
from leadkeeper.store.signals import signal
from leadkeeper.store.upsert import change_row, insert_all, insert_once

FIELDS = ("name", "phone", "email", "nationality", "company")
_NO_NAMES = frozenset({"", "unknown", "user", "whatsapp user", "customer", "guest", "visitor", "test", "n/a", "null", "none"})


def resolve(
    conn: Connection, account_id: int, ids: Sequence[tuple[str, str]], known: Mapping[str, str | None] | None = None
) -> int:
    """The contact behind these (external id, kind) pairs of one signed payload; made when new.

    Two contacts met in one payload are one person: the older keeps everything. `known` fills empty
    fields (name, phone, email) and never overwrites.
    """
    found = _known(conn, account_id, [external_id for external_id, _ in ids])
    if found:
        contact_id = found[0]
        for other in found[1:]:
            merge(conn, contact_id, other)
    else:
        contact_id = create(conn, **usable(known or {}))
    rows = [
        {"contact_id": contact_id, "account_id": account_id, "external_id": external_id, "kind": kind, "created_at": clock.now()}
        for external_id, kind in ids
    ]
    new = insert_once(conn, identities, rows, identities.c.id)
    if not found and len(new) < len(rows):  # somebody else made this contact meanwhile
        conn.execute(delete(identities).where(identities.c.contact_id == contact_id))
        conn.execute(delete(table).where(table.c.id == contact_id))
        return resolve(conn, account_id, ids, known)
    if found:
        fill(conn, contact_id, known or {})
    return contact_id


def create(conn: Connection, **fields: str | None) -> int:
    """A new contact."""
    (made,) = insert_all(conn, table, [{"set_by_person": [], "created_at": clock.now(), **fields}], table.c.id)
    return int(made.id)


def get(conn: Connection, contact_id: int, *, lock: bool = False) -> Row:
    """One contact, held against other writers when asked. Raises NotFound."""
    row = (_GET_LOCKED if lock else _GET).first(conn, id=contact_id)
    if row is None:
        raise NotFound(f"there is no contact {contact_id}")
    return row


def fill(conn: Connection, contact_id: int, known: Mapping[str, Any], *, correct: bool = False) -> dict[str, Any]:
    """Take facts the customer gave: never erases a value, never overwrites what a person entered.

    An empty field is filled; a field with a value changes only with `correct` (the customer said it
    anew). Returns what changed.
    """
    given = usable(known)
    if not given:
        return {}
    changes = _news(get(conn, contact_id), given, correct)
    if changes:  # a person may be writing beside us: what they enter stands
        changes = _news(get(conn, contact_id, lock=True), given, correct)
    if changes:
        change_row(conn, table, contact_id, **changes)
    return changes


def news(row: Row, known: Mapping[str, Any]) -> dict[str, str]:
    """What `fill` would write of `known` beside the fields of `row`."""
    return _news(row, usable(known), correct=False)


def _news(row: Row, given: Mapping[str, str], correct: bool) -> dict[str, str]:
    return {
        name: value
        for name, value in given.items()
        if name not in row.set_by_person and getattr(row, name) != value and (correct or not getattr(row, name))
    }


def merge(conn: Connection, keep: int, drop: int) -> None:
    """Make two contacts one: identities, leads and conversations move to `keep`, which keeps its own values.

    Where both have an open conversation on one account, the dropped contact's is closed. A person
    who had it, or was called to it, has the one that stays: the machine does not speak over them.
    """
    conn.execute(update(identities).where(identities.c.contact_id == drop).values(contact_id=keep))
    conn.execute(update(leads).where(leads.c.contact_id == drop).values(contact_id=keep))
    ours = select(conversations.c.account_id).where(conversations.c.contact_id == keep, conversations.c.status == "open")
    _keep_with_people(conn, keep, drop)
    conn.execute(
        update(conversations)
        .where(conversations.c.contact_id == drop, conversations.c.status == "open", conversations.c.account_id.in_(ours))
        .values(status="closed")
    )
    conn.execute(update(conversations).where(conversations.c.contact_id == drop).values(contact_id=keep))
    other = get(conn, drop)
    fill(conn, keep, {name: getattr(other, name) for name in FIELDS})
    if other.opted_out_at is not None:
        opt_out(conn, keep, other.opted_out_by, other.opted_out_at)
    conn.execute(delete(table).where(table.c.id == drop))


def _keep_with_people(conn: Connection, keep: int, drop: int) -> None:
    """Of two open conversations on one account the one that stays is a person's when either was."""
    staying, closing = conversations.alias("staying"), conversations.alias("closing")
    held = (
        select(staying.c.id, closing.c.owner, closing.c.owner_id, closing.c.needs_human_since, closing.c.needs_human_reason)
        .join(closing, closing.c.account_id == staying.c.account_id)
        .where(staying.c.contact_id == keep, staying.c.status == "open", staying.c.owner == "ai")
        .where(closing.c.contact_id == drop, closing.c.status == "open", closing.c.owner != "ai")
    )
    for row in conn.execute(held).fetchall():
        values = {name: getattr(row, name) for name in ("owner", "owner_id", "needs_human_since", "needs_human_reason")}
        revision = conversations.c.revision + 1
        conn.execute(update(conversations).where(conversations.c.id == row.id).values(revision=revision, **values))


def move_identity(conn: Connection, account_id: int, old: Sequence[str], ids: Sequence[tuple[str, str]]) -> int | None:
    """The customer's number or id changed: the new ids belong to the contact of the old ones; None when unknown.

    The old ones are nobody's then: a number is given to somebody else after a while, who must not find
    themselves in this customer's conversation.
    """
    found = _known(conn, account_id, old)
    if not found:
        return None
    contact_id = found[0]
    for other in _known(conn, account_id, [external_id for external_id, _ in ids]):
        if other != contact_id:
            merge(conn, contact_id, other)
    rows = [
        {"contact_id": contact_id, "account_id": account_id, "external_id": external_id, "kind": kind, "created_at": clock.now()}
        for external_id, kind in ids
    ]
    insert_once(conn, identities, rows)
    mine = (identities.c.contact_id == contact_id, identities.c.account_id == account_id)
    kept = [external_id for external_id, _ in ids]
    conn.execute(delete(identities).where(*mine, identities.c.external_id.in_(old), identities.c.external_id.not_in(kept)))
    if ids:
        conn.execute(
            update(conversations)
            .where(conversations.c.contact_id == contact_id, conversations.c.account_id == account_id)
            .values(address=ids[0][0])
        )
    return contact_id


def by_phone_or_email(conn: Connection, phone: str | None, email: str | None) -> int | None:
    """The oldest contact with this phone number, else with this e-mail address."""
    for column, value in ((table.c.phone, phone), (func.lower(table.c.email), email.lower() if email else None)):
        if value:
            found = conn.execute(select(table.c.id).where(column == value).order_by(table.c.id).limit(1)).scalar_one_or_none()
            if found is not None:
                return int(found)
    return None


def replace_phone(conn: Connection, contact_id: int, phone: str) -> None:
    """The customer's number changed, says the provider; what a person entered stays."""
    if "phone" not in get(conn, contact_id).set_by_person:
        conn.execute(update(table).where(table.c.id == contact_id).values(phone=_clean(phone)[:64]))


def opt_out(conn: Connection, contact_id: int, by: str, said_at: datetime | None = None) -> bool:
    """No automatic message goes to this contact any more; False when that was so already.

    `said_at` is when they said so, now if not given; of several times the last one counts.
    """
    at = said_at or clock.now()
    changed = conn.execute(
        update(table).where(table.c.id == contact_id, table.c.opted_out_at.is_(None)).values(opted_out_at=at, opted_out_by=by)
    )
    if not changed.rowcount:
        conn.execute(update(table).where(table.c.id == contact_id, table.c.opted_out_at < at).values(opted_out_at=at))
    signal(conn, "inbox")
    return bool(changed.rowcount)


def opt_in(conn: Connection, contact_id: int, said_at: datetime | None = None) -> bool:
    """Automatic messages may go again; False when they might already, or when this was said before they opted out.

    Providers deliver a word again for days: one that comes late does not undo what was said after it.
    """
    changed = conn.execute(
        update(table)
        .where(table.c.id == contact_id, table.c.opted_out_at <= (said_at or clock.now()))
        .values(opted_out_at=None, opted_out_by=None)
    )
    signal(conn, "inbox")
    return bool(changed.rowcount)


def phone_address(conn: Connection, conversation_id: int) -> str | None:
    """The number this customer is known by on the conversation's account, where it is not what we write to already."""
    same = (identities.c.contact_id == conversations.c.contact_id) & (identities.c.account_id == conversations.c.account_id)
    query = select(identities.c.external_id).join(conversations, same).where(conversations.c.id == conversation_id)
    numbers = query.where(identities.c.kind == "wa_id", identities.c.external_id != conversations.c.address)
    found = conn.execute(numbers.order_by(identities.c.id.desc()).limit(1)).scalar()
    return None if found is None else str(found)


def opted_out(conn: Connection, conversation_id: int) -> bool:
    """True when the customer of this conversation wants no more messages."""
    query = select(table.c.opted_out_at).join(conversations, conversations.c.contact_id == table.c.id)
    return conn.execute(query.where(conversations.c.id == conversation_id)).scalar() is not None


def conversation_ids(conn: Connection, contact_id: int) -> list[int]:
    """Every open conversation of a contact."""
    query = select(conversations.c.id).where(conversations.c.contact_id == contact_id, conversations.c.status == "open")
    return [int(conversation_id) for conversation_id in conn.execute(query).scalars()]


def _known(conn: Connection, account_id: int, external_ids: Sequence[str]) -> list[int]:
    """The contacts known by these ids, the oldest first."""
    given = _IDS.values(conn.dialect.name, [(external_id,) for external_id in external_ids])
    return sorted(set(_KNOWN.scalars(conn, account_id=account_id, **given)))


def usable(known: Mapping[str, Any]) -> dict[str, str]:
    """What of it says something: no empty values, no names that are none."""
    given = {name: _clean(value) for name, value in known.items() if name in FIELDS and _clean(value)}
    if given.get("name", "").casefold() in _NO_NAMES:
        given.pop("name", None)
    return given


def _clean(value: Any) -> str:
    return " ".join(str(value).split())[:200] if value is not None else ""


def _known_by(dialect: str) -> Select[tuple[int]]:
    ids = _IDS.table(dialect)
    mine = (identities.c.account_id == bindparam("account_id"), identities.c.external_id == ids.c.external_id)
    return select(identities.c.contact_id).where(*mine)


_IDS = Given("ids", external_id=TEXT)
_KNOWN = Prepared(_known_by)
_GET = Prepared(select(table).where(table.c.id == bindparam("id")))
_GET_LOCKED = Prepared(select(table).where(table.c.id == bindparam("id")).with_for_update())
