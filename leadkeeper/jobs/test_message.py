"""Messages of the built-in `test` account: they go the whole way and never to a real provider."""

from typing import Any

from sqlalchemy import Connection, insert, select

from leadkeeper import clock
from leadkeeper.crm import accounts, leads
from leadkeeper.store.prepared import Row
from leadkeeper.store.schema import inbound_events

CHANNEL = "test"
TEXT = "This is a test message. What are your opening hours?"


def store(conn: Connection, job_id: int, lead_id: int, message: dict[str, Any]) -> int:
    """Store a made-up message of a lead as an event, once per job. Raises NotFound for a missing lead."""
    leads.get(conn, lead_id)
    account_id = accounts.ensure(conn, CHANNEL, CHANNEL, "Test account")
    external_id = f"test:{job_id}"
    found = conn.execute(
        select(inbound_events.c.id).where(inbound_events.c.account_id == account_id, inbound_events.c.external_id == external_id)
    ).scalar_one_or_none()
    if found is not None:
        return int(found)
    now = clock.now()
    text = str(message.get("body") or message.get("text") or TEXT)
    made = conn.execute(
        insert(inbound_events)
        .values(
            account_id=account_id,
            external_id=external_id,
            kind="message",
            sender=f"lead:{lead_id}",
            payload={"leadId": lead_id, "text": text},
            occurred_at=now,
            received_at=now,
        )
        .returning(inbound_events.c.id)
    )
    return int(made.scalar_one())


def lead_of(event: Row) -> int | None:
    """The lead a test message names."""
    if event.channel != CHANNEL:
        return None
    lead_id = event.payload.get("leadId")
    return int(lead_id) if isinstance(lead_id, int) else None
