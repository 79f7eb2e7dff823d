"""A conversation as it was spoken."""

from sqlalchemy import Connection, select

from leadkeeper.store.schema import messages


def turns(conn: Connection, conversation_id: int, limit: int) -> list[tuple[str, str]]:
    """The last `limit` messages as (customer | us, text), oldest first; nothing that was never sent or was deleted."""
    query = (
        select(messages.c.direction, messages.c.body)
        .where(
            messages.c.conversation_id == conversation_id,
            messages.c.body != "",
            messages.c.revoked_at.is_(None),
            messages.c.state.is_(None) | messages.c.state.not_in(("draft", "cancelled", "failed")),
        )
        .order_by(messages.c.id.desc())
        .limit(limit)
    )
    rows = conn.execute(query).fetchall()
    return [("customer" if row.direction == "in" else "us", row.body) for row in reversed(rows)]
