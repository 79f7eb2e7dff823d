"""Rules by JSON: list, add, change, switch, delete, seed. Known older shapes are taken and turned into today's.

A rule is told with today's names (`when`, `do`, `limits`) and the known ones (`conditions`, `actions`,
`isActive`); what is sent may use either.
"""

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from fastapi import Body, Request
from pydantic import BeforeValidator, StrictBool
from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.access import audit
from leadkeeper.channels.storable import storable
from leadkeeper.errors import Invalid
from leadkeeper.rules import book
from leadkeeper.rules.plain import describe
from leadkeeper.store.prepared import Row
from leadkeeper.web.access import Access
from leadkeeper.web.json_api import Shape, router
from leadkeeper.web.json_shape import Id

PATH = "/api/admin/automation"

readers = router(PATH, access=Access.VIEWER, tag="Rules")
admins = router(PATH, access=Access.ADMIN, tag="Rules")
known_readers = router("/api/automation", access=Access.VIEWER, tag="Rules")
known_admins = router("/api/automation", access=Access.ADMIN, tag="Rules")

Document = Annotated[dict[str, Any], Body(), BeforeValidator(storable)]
"""A rule as it came: the rules themselves say what is wrong with it, field by field."""
_OTHER_NAMES = {"conditions": "when", "actions": "do"}
_SWITCHES = ("isActive", "enabled")
_SHOWN_ONLY = ("id", "version", "position", "createdAt", "updatedAt", "inWords", "schedule")
"""Fields of a rule as we tell it that a caller may send back; they are not the rule's to change."""


class Switch(Shape):
    """On or off; without a value, the other."""

    is_active: StrictBool | None = None


@readers.get("/rules")
async def rules(request: Request) -> list[dict[str, Any]]:
    """Every rule, the newest first."""
    listed: list[dict[str, Any]] = await request.state.db.read(_listed)
    return listed


@readers.get("/rules/{rule_id}")
async def rule(request: Request, rule_id: Id) -> dict[str, Any]:
    """One rule in plain words and as data."""
    return await _shown(request, rule_id)


@admins.post("/rules")
async def add(request: Request, given: Document) -> dict[str, Any]:
    """Add a rule, in today's shape or the older one; returns it. 400 names each wrong field."""
    rule_id = await request.state.db.write(_add, given, request.state.user.id)
    return await _shown(request, rule_id)


@admins.patch("/rules/{rule_id}")
async def change(request: Request, rule_id: Id, given: Document) -> dict[str, Any]:
    """Switch a rule (`isActive`), or save a new version with the parts that are given."""
    await request.state.db.write(_change, rule_id, given, request.state.user.id)
    return await _shown(request, rule_id)


@admins.post("/rules/{rule_id}/toggle")
async def toggle(request: Request, rule_id: Id, given: Switch | None = None) -> dict[str, Any]:
    """Switch a rule on or off."""
    wanted = given.is_active if given is not None else None
    await request.state.db.write(switch_rule, rule_id, wanted, request.state.user.id)
    return await _shown(request, rule_id)


@admins.delete("/rules/{rule_id}")
async def delete(request: Request, rule_id: Id) -> dict[str, Any]:
    """Delete a rule with its run log."""
    await request.state.db.write(delete_rule, rule_id, request.state.user.id)
    return {"ok": True, "success": True}


@admins.post("/seed")
async def seed(request: Request) -> dict[str, Any]:
    """Add the scheduled rules of the first set that are missing."""
    return await _seeded(request, book.seed)


@admins.post("/seed-inbound")
async def seed_inbound(request: Request) -> dict[str, Any]:
    """Add the rules for incoming messages of the first set that are missing."""
    return await _seeded(request, book.seed_inbound)


@known_readers.get("/rules")
async def known_rules(request: Request) -> dict[str, Any]:
    """Every rule, the newest first, under `rules`."""
    return {"ok": True, "rules": await request.state.db.read(_listed)}


@known_admins.post("/rules")
async def known_add(request: Request, given: Document) -> dict[str, Any]:
    """Add a rule; returns it under `rule`."""
    rule_id = await request.state.db.write(_add, given, request.state.user.id)
    return {"ok": True, "rule": await _shown(request, rule_id)}


def rule_json(conn: Connection, row: Row) -> dict[str, Any]:
    """A rule as the API tells it."""
    document = book.document(row)
    return {
        "id": row.id,
        **document,
        "conditions": document["when"],
        "actions": document["do"],
        "isActive": row.enabled,
        "enabled": row.enabled,
        "version": row.version,
        "position": row.position,
        "inWords": describe(book.get(conn, row.id)),
        "createdAt": clock.iso(row.created_at),
        "updatedAt": clock.iso(row.updated_at),
    }


def as_document(given: Mapping[str, Any]) -> dict[str, Any]:
    """The rule's own parts of what came, under today's names. Raises Invalid when a part is given twice differently."""
    left = {name: value for name, value in given.items() if name not in (*_SWITCHES, *_SHOWN_ONLY)}
    for known, ours in _OTHER_NAMES.items():
        if known in left:
            value = left.pop(known)
            if left.setdefault(ours, value) != value:
                raise Invalid("the rule was not saved", {known: f"says something else than {ours}"})
    return left


def switch_of(given: Mapping[str, Any]) -> bool | None:
    """What `isActive` and `enabled` ask for: both must be true to be on; None when neither is given."""
    values = {name: given[name] for name in _SWITCHES if name in given}
    wrong = {name: "must be true or false" for name, value in values.items() if not isinstance(value, bool)}
    if wrong:
        raise Invalid("the rule was not saved", wrong)
    return all(values.values()) if values else None


def _is_older(given: Mapping[str, Any]) -> bool:
    return isinstance(given.get("type"), str) and "trigger" not in given


def _key(name: object) -> str:
    """A key for a rule that came without one: its name in a-z, and something that makes it unique."""
    words = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:50] if isinstance(name, str) else ""
    return f"{words or 'rule'}_{secrets.token_hex(4)}"


async def _shown(request: Request, rule_id: int) -> dict[str, Any]:
    shown: dict[str, Any] = await request.state.db.read(_one, rule_id)
    return shown


async def _seeded(request: Request, act: Callable[[Connection], int]) -> dict[str, Any]:
    created = await request.state.db.write(_seed, act, request.state.user.id)
    return {"ok": True, "created": created, "message": f"{created} rules were added; those that were there stay as they are"}


def _listed(conn: Connection) -> list[dict[str, Any]]:
    return [rule_json(conn, row) for row in book.rows(conn)]


def _one(conn: Connection, rule_id: int) -> dict[str, Any]:
    return rule_json(conn, book.row(conn, rule_id))


def _add(conn: Connection, given: dict[str, Any], user_id: int) -> int:
    enabled = switch_of(given)
    if _is_older(given):
        document = book.from_legacy({name: value for name, value in given.items() if name != "enabled"})
    else:
        document = {"key": _key(given.get("name")), **as_document(given)}
    saved = book.save(conn, document, user_id, enabled=enabled is not False)
    audit.record(conn, "rule_added", user_id, subject=f"rule:{saved.id}")
    return saved.id


def _change(conn: Connection, rule_id: int, given: dict[str, Any], user_id: int) -> None:
    enabled, parts = switch_of(given), as_document(given)
    if enabled is None and not parts:
        raise Invalid("nothing was given to change", {"isActive": "true or false, or parts of the rule"})
    before = book.document(book.row(conn, rule_id))
    if {**before, **parts} != before:
        book.save(conn, {**before, **parts}, user_id, rule_id)
        audit.record(conn, "rule_changed", user_id, subject=f"rule:{rule_id}")
    if enabled is not None:
        switch_rule(conn, rule_id, enabled, user_id)


def switch_rule(conn: Connection, rule_id: int, enabled: bool | None, user_id: int) -> None:
    """A person switches a rule; without `enabled`, to the other. Raises NotFound."""
    on = book.toggle(conn, rule_id, enabled).enabled
    audit.record(conn, "rule_switched", user_id, subject=f"rule:{rule_id}", on=on)


def delete_rule(conn: Connection, rule_id: int, user_id: int) -> None:
    """A person deletes a rule with its run log. Raises NotFound."""
    book.remove(conn, rule_id)
    audit.record(conn, "rule_deleted", user_id, subject=f"rule:{rule_id}")


def _seed(conn: Connection, act: Callable[[Connection], int], user_id: int) -> int:
    created = act(conn)
    audit.record(conn, "rules_seeded", user_id, created=created)
    return created
