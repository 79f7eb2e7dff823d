"""What is changed of a message afterwards: edited, deleted or reacted to by the customer, its medium fetched."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, update

from leadkeeper.crm.messages import get
from leadkeeper.store.schema import conversations
from leadkeeper.store.schema import messages as table
from leadkeeper.store.signals import signal


def edit(conn: Connection, message_id: int, body: str, at: datetime) -> None:
    """The customer changed what they wrote."""
    _reword(conn, message_id, body)
    _change(conn, message_id, body=body, edited_at=at)


def revoke(conn: Connection, message_id: int, at: datetime) -> None:
    """The customer deleted what they wrote: the text goes, the row stays."""
    _reword(conn, message_id, "")
    _change(conn, message_id, body="", media=None, revoked_at=at)


def react(conn: Connection, message_id: int, emoji: str | None) -> None:
    """The customer's reaction to a message; None removes it."""
    _change(conn, message_id, reaction=emoji[:32] if emoji else None)


def note_media(conn: Connection, message_id: int, found: Mapping[str, Any]) -> None:
    """Write what became of a message's medium beside what the provider said of it."""
    message = get(conn, message_id, lock=True)
    if message.revoked_at is None:  # what a customer has deleted does not come back
        _change(conn, message_id, media={**(message.media or {}), **found})


def _reword(conn: Connection, message_id: int, body: str) -> None:
    """Before a text changes: the list of conversations does not go on showing what it was."""
    before = get(conn, message_id)
    shown = (conversations.c.id == before.conversation_id, conversations.c.preview == before.body[:200])
    conn.execute(update(conversations).where(*shown).values(preview=body[:200]))


def _change(conn: Connection, message_id: int, **values: Any) -> None:
    changed = update(table).where(table.c.id == message_id).values(**values).returning(table.c.conversation_id)
    signal(conn, "inbox", f"conversation:{conn.execute(changed).scalar_one()}")
