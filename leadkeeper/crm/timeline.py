"""What happened beside the messages: acts of persons, hand-overs, changes of the lead. Rows are only added."""

from typing import Any

from sqlalchemy import Connection, insert

from leadkeeper import clock
from leadkeeper.store.schema import timeline as table
from leadkeeper.store.signals import signal


def add(
    conn: Connection,
    kind: str,
    *,
    conversation_id: int | None = None,
    lead_id: int | None = None,
    user_id: int | None = None,
    job_id: int | None = None,
    **data: Any,
) -> None:
    """Add one line; `data` is what the line says (JSON values)."""
    conn.execute(
        insert(table).values(
            kind=kind,
            conversation_id=conversation_id,
            lead_id=lead_id,
            user_id=user_id,
            job_id=job_id,
            data=data,
            at=clock.now(),
        )
    )
    if conversation_id is not None:
        signal(conn, f"conversation:{conversation_id}")
