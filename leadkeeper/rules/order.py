"""The order rules are tried in: for incoming messages the first that decides wins, so order is meaning."""

from typing import Literal

from sqlalchemy import Connection, select, update

from leadkeeper import clock
from leadkeeper.rules import book
from leadkeeper.rules.triggers import TRIGGERS
from leadkeeper.store.schema import rules as table
from leadkeeper.store.signals import signal


def move(conn: Connection, rule_id: int, way: Literal["up", "down"]) -> bool:
    """Change places with the neighbour of its kind (incoming or scheduled); False at the end. Raises NotFound."""
    moved = book.row(conn, rule_id)
    inbound = TRIGGERS[moved.trigger].inbound
    kinds = [kind.name for kind in TRIGGERS.values() if kind.inbound is inbound]
    query = select(table.c.id, table.c.position).where(table.c.trigger.in_(kinds)).order_by(table.c.position, table.c.id)
    order = [int(row.id) for row in conn.execute(query.with_for_update())]
    at = order.index(rule_id)
    to = at - 1 if way == "up" else at + 1
    if not 0 <= to < len(order):
        return False
    order[at], order[to] = order[to], order[at]
    _number(conn, order, inbound)
    signal(conn, "rules")
    return True


def _number(conn: Connection, order: list[int], inbound: bool) -> None:
    """Write the places that changed; those of scheduled rules begin behind every incoming rule's."""
    places = {row.id: row.position for row in conn.execute(select(table.c.id, table.c.position))}
    base = 0 if inbound else max(1000, len(places) * 10)
    for number, rule_id in enumerate(order, start=1):
        if places[rule_id] != base + number * 10:
            values = {"position": base + number * 10, "updated_at": clock.now()}
            conn.execute(update(table).where(table.c.id == rule_id).values(**values))
