"""Why rules did what they did, for the page of one message or one job."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, or_, select

from leadkeeper.store.prepared import Row
from leadkeeper.store.schema import rule_runs as table
from leadkeeper.store.schema import rules


def of(conn: Connection, event_ids: Collection[int], run_ids: Collection[int] = ()) -> Sequence[Row]:
    """The rule runs of these events, and these runs by id, each with its rule's key and name; oldest first."""
    query = (
        select(table, rules.c.key.label("rule_key"), rules.c.name.label("rule_name"))
        .join(rules, rules.c.id == table.c.rule_id)
        .where(or_(table.c.event_id.in_(event_ids), table.c.id.in_(run_ids)))
        .order_by(table.c.id)
    )
    return conn.execute(query).fetchall()


def fired(conn: Connection, event_ids: Collection[int]) -> dict[int, list[str]]:
    """The names of the rules that fired for each of these events, in their order."""
    query = (
        select(table.c.event_id, rules.c.name)
        .join(rules, rules.c.id == table.c.rule_id)
        .where(table.c.event_id.in_(event_ids), table.c.verdict == "fired")
        .order_by(table.c.id)
    )
    found: dict[int, list[str]] = {}
    for row in conn.execute(query):
        found.setdefault(row.event_id, []).append(row.name)
    return found


def names(conn: Connection, run_ids: Collection[int]) -> dict[int, str]:
    """The name of the rule behind each of these runs."""
    query = select(table.c.id, rules.c.name).join(rules, rules.c.id == table.c.rule_id).where(table.c.id.in_(run_ids))
    return {row.id: row.name for row in conn.execute(query)}
