"""The rules table: rules as they are saved, versioned, switched, and read back checked.

A stored rule that this code cannot read raises Invalid naming it: messages then go to a person and
the failing jobs are shown, rather than a rule silently not being asked.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, bindparam, delete, func, insert, select, update

from leadkeeper import clock
from leadkeeper.errors import Conflict, Invalid, NotFound
from leadkeeper.rules.legacy import from_legacy as from_legacy
from leadkeeper.rules.model import Rule, dump, parse
from leadkeeper.rules.triggers import TRIGGERS
from leadkeeper.store import settings_rows
from leadkeeper.store.prepared import Prepared, Row
from leadkeeper.store.remembered import remembered
from leadkeeper.store.schema import rule_versions, users
from leadkeeper.store.schema import rules as table
from leadkeeper.store.signals import signal

SEEDED = "rules_seeded"
"""The settings row that says that this database got its first rules: they are not forced on it again."""

_FIRST_SET = Path(__file__).parent / "first_set.json"
_parsed: WeakKeyDictionary[Engine, dict[tuple[int, int, datetime], Rule]] = WeakKeyDictionary()
_KEPT = 1_000
_ACTIVE = Prepared(
    select(table).where(table.c.trigger == bindparam("kind"), table.c.enabled).order_by(table.c.position, table.c.id)
)


def active(conn: Connection, trigger: str) -> Sequence[Rule]:
    """The rules that are on for a trigger, in the order they are tried; read once a transaction."""
    return remembered(conn, "rules", trigger, lambda: tuple(_rule(conn, row) for row in _ACTIVE.all(conn, kind=trigger)))


def listed(conn: Connection) -> list[Rule]:
    """Every rule, in the order they are tried."""
    return [_rule(conn, row) for row in conn.execute(select(table).order_by(table.c.position, table.c.id))]


def rows(conn: Connection) -> list[Row]:
    """Every rule's row, the newest first: what the API lists."""
    return list(conn.execute(select(table).order_by(table.c.id.desc())))


def get(conn: Connection, rule_id: int) -> Rule:
    """One rule. Raises NotFound."""
    return _rule(conn, row(conn, rule_id))


def row(conn: Connection, rule_id: int) -> Row:
    """One rule's row. Raises NotFound."""
    found = conn.execute(select(table).where(table.c.id == rule_id)).first()
    if found is None:
        raise NotFound("Rule not found")
    return found


def save(
    conn: Connection, document: Mapping[str, Any], user_id: int | None = None, rule_id: int | None = None, *, enabled: bool = True
) -> Rule:
    """Store a new rule, or a new version of rule `rule_id`; versions are only added.

    Raises Invalid naming each wrong field, Conflict when another rule has the key, NotFound.
    A rule keeps its key for life, since its key names it in logs.
    """
    rule = parse(document)
    taken = conn.execute(select(table.c.id).where(table.c.key == rule.key)).scalar_one_or_none()
    if rule_id is None:
        if taken is not None:
            raise Conflict(f"there is a rule {rule.key!r} already")
        saved = _insert(conn, rule, user_id, enabled)
    else:
        saved = _update(conn, rule, user_id, rule_id)
    signal(conn, "rules")
    return get(conn, saved)


def toggle(conn: Connection, rule_id: int, enabled: bool | None = None) -> Rule:
    """Switch a rule on or off; without `enabled`, to the other. Raises NotFound."""
    before = row(conn, rule_id)
    on = not before.enabled if enabled is None else enabled
    conn.execute(update(table).where(table.c.id == rule_id).values(enabled=on, updated_at=clock.now()))
    signal(conn, "rules")
    return get(conn, rule_id)


def remove(conn: Connection, rule_id: int) -> None:
    """Delete a rule with its versions and its run log. Raises NotFound."""
    row(conn, rule_id)
    conn.execute(delete(table).where(table.c.id == rule_id))
    signal(conn, "rules")


def versions(conn: Connection, rule_id: int) -> list[Row]:
    """Every version of a rule with who saved it, the newest first."""
    query = (
        select(rule_versions, users.c.name.label("saved_by_name"))
        .outerjoin(users, users.c.id == rule_versions.c.saved_by)
        .where(rule_versions.c.rule_id == rule_id)
        .order_by(rule_versions.c.version.desc())
    )
    return list(conn.execute(query))


def document(found: Row) -> dict[str, Any]:
    """The JSON document of a rule's row; `save` takes it back."""
    return {"key": found.key, "name": found.name, **found.definition}


def first_set() -> list[dict[str, Any]]:
    """The rules every new database starts with, in the order they are tried."""
    documents: list[dict[str, Any]] = json.loads(_FIRST_SET.read_text(encoding="utf-8"))
    return documents


def seed(conn: Connection) -> int:
    """Add the scheduled rules of the first set whose keys are missing; returns how many were created."""
    return _seed(conn, inbound=False)


def seed_inbound(conn: Connection) -> int:
    """Add the rules for inbound messages of the first set whose keys are missing; returns how many were created."""
    return _seed(conn, inbound=True)


def seed_first(conn: Connection) -> int:
    """At the first start: the whole first set, active. Later: nothing, so that what was deleted stays deleted."""
    if settings_rows.get(conn, SEEDED):
        return 0
    settings_rows.save(conn, SEEDED, True)
    return seed_inbound(conn) + seed(conn)


def _seed(conn: Connection, *, inbound: bool) -> int:
    known = set(conn.execute(select(table.c.key)).scalars())
    wanted = [each for each in first_set() if TRIGGERS[each["trigger"]["kind"]].inbound is inbound and each["key"] not in known]
    for each in wanted:
        save(conn, each)
    return len(wanted)


def _insert(conn: Connection, rule: Rule, user_id: int | None, enabled: bool) -> int:
    now = clock.now()
    values = {
        "key": rule.key,
        "name": rule.name,
        "trigger": rule.trigger.kind,
        "definition": _definition(rule),
        "position": _place(rule.key) or _new_place(conn, rule),
        "enabled": enabled,
        "created_at": now,
        "updated_at": now,
    }
    rule_id = int(conn.execute(insert(table).values(**values).returning(table.c.id)).scalar_one())
    _add_version(conn, rule, rule_id, 1, user_id)
    return rule_id


def _update(conn: Connection, rule: Rule, user_id: int | None, rule_id: int) -> int:
    before = row(conn, rule_id)
    if before.key != rule.key:
        raise Invalid("the rule was not saved", {"key": f"stays {before.key!r}"})
    values = {"name": rule.name, "trigger": rule.trigger.kind, "definition": _definition(rule), "updated_at": clock.now()}
    changed = conn.execute(
        update(table).where(table.c.id == rule_id).values(version=table.c.version + 1, **values).returning(table.c.version)
    ).scalar_one()
    _add_version(conn, rule, rule_id, int(changed), user_id)
    return rule_id


def _add_version(conn: Connection, rule: Rule, rule_id: int, version: int, user_id: int | None) -> None:
    values = {"name": rule.name, "definition": _definition(rule), "saved_at": clock.now(), "saved_by": user_id}
    conn.execute(insert(rule_versions).values(rule_id=rule_id, version=version, **values))


def _definition(rule: Rule) -> dict[str, Any]:
    return {name: value for name, value in dump(rule).items() if name not in ("key", "name")}


def _place(key: str) -> int:
    """Where a rule of the first set stands: its order there; 0 for others, which are tried after them."""
    keys = [each["key"] for each in first_set()]
    return (keys.index(key) + 1) * 10 if key in keys else 0


def _new_place(conn: Connection, rule: Rule) -> int:
    """Where a rule of the operator's own stands: rules for messages after the hand-overs and before the answer
    from the documents, which would leave them nothing to decide; scheduled rules last."""
    if TRIGGERS[rule.trigger.kind].inbound:
        answer = conn.execute(select(table.c.position).where(table.c.key == "answer")).scalar_one_or_none()
        return (answer or _place("answer")) - 5
    last = conn.execute(select(func.max(table.c.position))).scalar() or 0
    return max(int(last), 1000) + 10


def _rule(conn: Connection, found: Row) -> Rule:
    parsed = _parsed.setdefault(conn.engine, {})
    key = (found.id, found.version, found.updated_at)
    rule = parsed.get(key)
    if rule is None:
        rule = _loaded(parse(document(found)), found)
        if len(parsed) >= _KEPT:
            parsed.clear()
        parsed[key] = rule
    return rule


def _loaded(rule: Rule, found: Row) -> Rule:
    more = {"id": found.id, "version": found.version, "position": found.position, "enabled": found.enabled}
    return Rule(rule.key, rule.name, rule.trigger, rule.when, rule.do, rule.limits, **more)
