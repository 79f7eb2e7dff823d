"""Writing outbound messages: each has a cause, and one cause writes one message. From there on `messages` moves them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Update, bindparam, func, select, update

from leadkeeper import clock
from leadkeeper.errors import NotFound
from leadkeeper.store.given import NUMBER, TEXT, Given
from leadkeeper.store.prepared import Prepared
from leadkeeper.store.schema import conversations
from leadkeeper.store.schema import messages as table
from leadkeeper.store.signals import signal
from leadkeeper.store.upsert import insert_once


@dataclass(frozen=True, slots=True)
class Draft:
    """An outbound message to be written. `cause` is why it exists: one cause, one message."""

    conversation_id: int
    author: str
    purpose: str
    body: str
    cause: str
    kind: str = "text"
    template: Mapping[str, Any] | None = None
    media: Mapping[str, Any] | None = None
    reply_to: str | None = None
    user_id: int | None = None
    revision: int | None = None
    job_id: int | None = None
    rule_run_id: int | None = None
    draft_id: int | None = None


def account_of(conn: Connection, conversation_id: int) -> int:
    """The account a conversation is held on. Raises NotFound."""
    account_id: int | None = _ACCOUNT.scalar(conn, id=conversation_id)
    if account_id is None:
        raise NotFound(f"there is no conversation {conversation_id}")
    return account_id


def compose(conn: Connection, drafts: Sequence[tuple[Draft, int]]) -> dict[str, int]:
    """Write messages that are ready to be sent, each of a (draft, account); the new ids by cause.

    A cause that has a message already gets no other.
    """
    now = clock.now()
    shared = {"direction": "out", "state": "ready", "state_at": now, "occurred_at": now, "created_at": now}
    rows = [
        {**{name: getattr(draft, name) for name in Draft.__slots__}, "account_id": account_id, **shared}
        for draft, account_id in drafts
    ]
    new = {row.cause: int(row.id) for row in insert_once(conn, table, rows, table.c.id, table.c.cause)}
    # A hand-over notice says the same to everybody: the list goes on showing what the customer asked.
    shown = [
        (draft.conversation_id, None if draft.purpose == "notice" else draft.body[:200])
        for draft, _ in drafts
        if draft.cause in new
    ]
    if shown:
        _SHOW.run(conn, now=now, **_SHOWN.values(conn.dialect.name, shown))
    for conversation_id, _ in shown:
        signal(conn, "inbox", f"conversation:{conversation_id}")
    return new


def by_cause(conn: Connection, cause: str) -> int | None:
    """The id of the message that was written for `cause`."""
    found = conn.execute(select(table.c.id).where(table.c.cause == cause)).scalar_one_or_none()
    return None if found is None else int(found)


def _showing(dialect: str) -> Update:
    shown = _SHOWN.table(dialect)
    return (
        update(conversations)
        .where(conversations.c.id == shown.c.conversation)
        .values(
            last_message_at=bindparam("now"),
            last_outbound_at=bindparam("now"),
            preview=func.coalesce(shown.c.preview, conversations.c.preview),
        )
    )


_SHOWN = Given("shown", conversation=NUMBER, preview=TEXT)
_SHOW = Prepared(_showing)
_ACCOUNT = Prepared(select(conversations.c.account_id).where(conversations.c.id == bindparam("id")))
