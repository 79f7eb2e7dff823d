"""A conversation as it was spoken."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, bindparam, func, select

from leadkeeper.store.given import IDS
from leadkeeper.store.prepared import Prepared, among
from leadkeeper.store.schema import messages

Turns = list[tuple[str, str]]
"""Who said what, (customer | us, text), oldest first."""


def turns_of(conn: Connection, conversation_ids: Sequence[int], limit: int) -> dict[int, Turns]:
    """The last `limit` messages of each conversation; nothing that was never sent or was deleted."""
    found: dict[int, Turns] = {each: [] for each in conversation_ids}
    for row in _TURNS.all(conn, skipped=limit - 1, **IDS.values(conn.dialect.name, [(each,) for each in found])):
        found[row.conversation_id].append(("customer" if row.direction == "in" else "us", row.body))
    return found


def _said(table: FromClause) -> ColumnElement[bool]:
    never_sent = among(table.c.state, ("draft", "cancelled", "failed"))
    return (table.c.body != "") & table.c.revoked_at.is_(None) & (table.c.state.is_(None) | ~never_sent)


def _turns(dialect: str) -> Select[Any]:
    ids = IDS.table(dialect)
    older = messages.alias("older")
    nth = select(older.c.id).where(older.c.conversation_id == ids.c.id, _said(older)).order_by(older.c.id.desc())
    first = func.coalesce(nth.limit(1).offset(bindparam("skipped")).correlate(ids).scalar_subquery(), 0)
    bounds = select(ids.c.id.label("conversation"), first.label("first")).cte("bounds")
    shown = (messages.c.conversation_id == bounds.c.conversation) & (messages.c.id >= bounds.c.first) & _said(messages)
    return select(messages.c.conversation_id, messages.c.direction, messages.c.body).where(shown).order_by(messages.c.id)


_TURNS = Prepared(_turns)
