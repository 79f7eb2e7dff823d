"""A conversation as it was spoken."""

from sqlalchemy import Connection, bindparam, select

from leadkeeper.store.prepared import Prepared, among
from leadkeeper.store.schema import messages


def turns(conn: Connection, conversation_id: int, limit: int) -> list[tuple[str, str]]:
    """The last `limit` messages as (customer | us, text), oldest first; nothing that was never sent or was deleted."""
    rows = _TURNS.all(conn, conversation=conversation_id, most=limit)
    return [("customer" if row.direction == "in" else "us", row.body) for row in reversed(rows)]


_TURNS = Prepared(
    select(messages.c.direction, messages.c.body)
    .where(messages.c.conversation_id == bindparam("conversation"), messages.c.body != "", messages.c.revoked_at.is_(None))
    .where(messages.c.state.is_(None) | ~among(messages.c.state, ("draft", "cancelled", "failed")))
    .order_by(messages.c.id.desc())
    .limit(bindparam("most"))
)
