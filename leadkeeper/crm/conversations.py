"""Conversations: who owns them, and what changes when somebody speaks or acts.

`revision` grows with each inbound message and each act of a person: whoever wrote something for an
older revision finds out in the transaction that writes.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, case, exc, func, literal, select, update

from leadkeeper import clock
from leadkeeper.crm import decisions, messages, tasks, timeline
from leadkeeper.errors import Conflict, NotFound
from leadkeeper.queue.cancel import cancel_key
from leadkeeper.store.given import IDS
from leadkeeper.store.prepared import Prepared, Row
from leadkeeper.store.savepoint import Savepoint
from leadkeeper.store.schema import conversations as table
from leadkeeper.store.signals import signal
from leadkeeper.store.types import Instant
from leadkeeper.store.upsert import insert_once


def get(conn: Connection, conversation_id: int, *, lock: bool = False) -> Row:
    """One conversation, locked against other writers when asked. Raises NotFound."""
    row = (_GET_LOCKED if lock else _GET).first(conn, id=conversation_id)
    if row is None:
        raise NotFound(f"there is no conversation {conversation_id}")
    return row


def by_id(conn: Connection, ids: Sequence[int]) -> dict[int, Row]:
    """Conversations by id; those that are none are left out."""
    return {row.id: row for row in _BY_ID.all(conn, **IDS.values(conn.dialect.name, [(each,) for each in ids]))} if ids else {}


def all_by_id(conn: Connection, ids: Sequence[int]) -> dict[int, Row]:
    """Conversations by id. Raises NotFound."""
    return _all_there(by_id(conn, ids), ids)


def locked(conn: Connection, ids: Sequence[int]) -> dict[int, Row]:
    """Conversations by id, locked against other writers. Raises NotFound."""
    found = {row.id: row for row in _LOCKED.all(conn, **IDS.values(conn.dialect.name, [(each,) for each in ids]))}
    return _all_there(found, ids)


def _all_there(found: dict[int, Row], ids: Sequence[int]) -> dict[int, Row]:
    missing = set(ids).difference(found)
    if missing:
        raise NotFound(f"there is no conversation {min(missing)}")
    return found


def open_one(
    conn: Connection, *, contact_id: int, account_id: int, lead_id: int, address: str, language: str
) -> tuple[int, bool]:
    """The open conversation of a contact on an account, and whether it is new. One per pair, by constraint."""
    row = {
        "contact_id": contact_id,
        "account_id": account_id,
        "lead_id": lead_id,
        "address": address,
        "language": language,
        "created_at": clock.now(),
    }
    new = insert_once(conn, table, [row], table.c.id)
    if new:
        signal(conn, "inbox")
        return int(new[0].id), True
    found = _KEEP_OPEN.one(conn, contact=contact_id, account=account_id, new_address=address, new_lead=lead_id)
    return int(found.id), False


def received(conn: Connection, conversation_id: int, occurred_at: datetime, preview: str, language: str | None) -> int:
    """A customer wrote: count it, and return the new revision."""
    given = {"occurred": occurred_at, "said": preview[:200], "spoken": language}
    revision: int = _RECEIVED.scalar(conn, row_id=conversation_id, now=clock.now(), **given)
    _told(conn, conversation_id)
    return revision


def readdress(conn: Connection, conversation_id: int, address: str) -> None:
    """Answers go to this address from now on, until the customer writes from another."""
    conn.execute(update(table).where(table.c.id == conversation_id).values(address=address))


def touched(conn: Connection, conversation_id: int) -> None:
    """What was said has changed (an edit, a deletion): drafts made before are stale."""
    conn.execute(update(table).where(table.c.id == conversation_id).values(revision=table.c.revision + 1))
    _told(conn, conversation_id)


def needs_human(conn: Connection, conversation_id: int, reason: str, job_id: int | None = None) -> bool:
    """Hand over: the owner becomes nobody, waiting automatic messages are cancelled, a task is made.

    False when a user owns the conversation already. The customer is told by the caller, once: a
    notice that still waits to be sent is that one, whatever is handed over after it.
    """
    conversation = get(conn, conversation_id, lock=True)
    if conversation.owner == "user":
        return False
    first = conversation.needs_human_since is None
    now = clock.now()
    conn.execute(
        update(table)
        .where(table.c.id == conversation_id)
        .values(
            owner="nobody",
            needs_human_since=func.coalesce(table.c.needs_human_since, literal(now, table.c.needs_human_since.type)),
            needs_human_reason=reason[:64],
            unanswered_since=func.coalesce(table.c.unanswered_since, literal(now, table.c.unanswered_since.type)),
        )
    )
    silence(conn, conversation_id, reason, purposes=("reply", "proactive"))
    if first:
        timeline.add(conn, "handed_over", conversation_id=conversation_id, job_id=job_id, reason=reason)
        since = int(now.timestamp() * 1_000_000)
        tasks.add(
            conn,
            "handover",
            f"Answer conversation {conversation_id}",
            f"handover:{conversation_id}:{since}",
            reason=reason,
            conversation_id=conversation_id,
            lead_id=conversation.lead_id,
            due_at=now,
        )
    _told(conn, conversation_id)
    return True


def silence(
    conn: Connection,
    conversation_id: int,
    reason: str,
    outcome: str = "handed_over",
    purposes: Collection[str] = messages.AUTOMATIC,
) -> None:
    """Take back what the machine was about to say: the waiting reply, and automatic messages not yet sent.

    Their sends leave the queue with them. What waited for that reply, and what a cancelled message
    had answered, is closed with `outcome` and `reason`; a message not decided yet keeps its own decision.
    """
    cancel_key(conn, reply_key(conversation_id), ["reply"], reason)
    decisions.close(conn, [row.event_id for row in decisions.unanswered(conn, conversation_id)], outcome, reason)
    cancelled = set(messages.cancel_waiting(conn, conversation_id, reason, purposes))
    if not cancelled:
        return
    cancel_key(conn, out_key(conversation_id), ["send"], reason, only=lambda data: data.get("messageId") in cancelled)
    for message_id in sorted(cancelled):
        decisions.close(conn, decisions.reopen_answered_by(conn, message_id), outcome, reason)


def tell_once(conn: Connection, conversation_id: int) -> bool:
    """True for the first caller of this hand-over: it may tell the customer."""
    told = conn.execute(
        update(table)
        .where(table.c.id == conversation_id, table.c.told_handover_at.is_(None))
        .values(told_handover_at=clock.now())
    )
    return bool(told.rowcount)


def assign(conn: Connection, conversation_id: int, user_id: int, by: int | None = None) -> None:
    """A person takes the conversation: the machine is silent at once and open decisions are theirs."""
    _person_acts(conn, conversation_id, owner="user", owner_id=user_id)
    timeline.add(conn, "assigned", conversation_id=conversation_id, user_id=by or user_id, to=user_id)


def give_back(conn: Connection, conversation_id: int, user_id: int | None) -> None:
    """The AI writes again from the customer's next message on; a notice of the hand-over that still waits is dropped."""
    get(conn, conversation_id, lock=True)
    messages.cancel_waiting(conn, conversation_id, "given_back", ("notice",))
    conn.execute(
        update(table)
        .where(table.c.id == conversation_id)
        .values(
            owner="ai",
            owner_id=None,
            revision=table.c.revision + 1,
            needs_human_since=None,
            needs_human_reason=None,
            told_handover_at=None,
            last_person_at=clock.now(),
        )
    )
    tasks.finish(conn, conversation_id, ("handover", "no_answer"), user_id)
    timeline.add(conn, "given_back", conversation_id=conversation_id, user_id=user_id)
    _told(conn, conversation_id)


def person_spoke(conn: Connection, conversation_id: int, user_id: int | None) -> None:
    """A person answered: they own the conversation (nobody does when it was written in the provider's own app).

    Who has a person before them is not told any more that one will come.
    """
    owner = "user" if user_id is not None else "nobody"
    _person_acts(conn, conversation_id, owner=owner, owner_id=user_id)
    now = clock.now()
    over = {"needs_human_since": None, "needs_human_reason": None, "unanswered_since": None, "unread": 0}
    conn.execute(update(table).where(table.c.id == conversation_id).values(**over, told_handover_at=now, last_person_at=now))
    tasks.finish(conn, conversation_id, ("handover", "no_answer"), user_id)


def read(conn: Connection, conversation_id: int) -> None:
    """Somebody looked at it."""
    conn.execute(update(table).where(table.c.id == conversation_id, table.c.unread > 0).values(unread=0))


def close(conn: Connection, conversation_id: int, user_id: int) -> None:
    """A person says it is over: nothing more is said, and the customer's next message opens a new one."""
    over: dict[str, Any] = {"needs_human_since": None, "needs_human_reason": None, "unanswered_since": None, "unread": 0}
    _person_acts(conn, conversation_id, status="closed", **over)
    tasks.finish(conn, conversation_id, ("handover", "no_answer"), user_id)
    timeline.add(conn, "closed", conversation_id=conversation_id, user_id=user_id)


def reopen(conn: Connection, conversation_id: int, user_id: int) -> None:
    """Open a closed conversation again. Raises Conflict when a newer one with this customer is open."""
    if get(conn, conversation_id, lock=True).status == "open":
        return
    savepoint = Savepoint(conn)
    try:
        conn.execute(update(table).where(table.c.id == conversation_id).values(status="open", revision=table.c.revision + 1))
        savepoint.keep()
    except exc.IntegrityError as error:
        savepoint.undo()
        raise Conflict("A newer conversation with this customer is open.") from error
    timeline.add(conn, "reopened", conversation_id=conversation_id, user_id=user_id)
    _told(conn, conversation_id)


def reply_key(conversation_id: int) -> str:
    """The order key, and dedupe name, of a conversation's reply."""
    return f"reply:{conversation_id}"


def out_key(conversation_id: int) -> str:
    """The order key of what leaves to a conversation."""
    return f"out:{conversation_id}"


def _person_acts(conn: Connection, conversation_id: int, **values: Any) -> None:
    get(conn, conversation_id, lock=True)
    conn.execute(
        update(table)
        .where(table.c.id == conversation_id)
        .values(revision=table.c.revision + 1, last_person_at=clock.now(), **values)
    )
    silence(conn, conversation_id, "person")
    decisions.close_all(conn, conversation_id, "handed_over", "person")
    _told(conn, conversation_id)


def _told(conn: Connection, conversation_id: int) -> None:
    signal(conn, "inbox", f"conversation:{conversation_id}")


_GET = Prepared(select(table).where(table.c.id == bindparam("id")))
_GET_LOCKED = Prepared(select(table).where(table.c.id == bindparam("id")).with_for_update())


def _locking(dialect: str) -> Select[Any]:
    ids = IDS.table(dialect)
    return select(table).where(table.c.id == ids.c.id).order_by(table.c.id).with_for_update(of=table)


def _by_id(dialect: str) -> Select[Any]:
    ids = IDS.table(dialect)
    return select(table).where(table.c.id == ids.c.id)


_BY_ID = Prepared(_by_id)
_LOCKED = Prepared(_locking)
_KEEP_OPEN = Prepared(
    update(table)
    .where(table.c.contact_id == bindparam("contact"), table.c.account_id == bindparam("account"), table.c.status == "open")
    .values(address=bindparam("new_address"), lead_id=bindparam("new_lead"))
    .returning(table.c.id)
)
_OCCURRED, _NOW = bindparam("occurred", type_=Instant), bindparam("now", type_=Instant)
_RECEIVED = Prepared(
    update(table)
    .where(table.c.id == bindparam("row_id"))
    .values(
        revision=table.c.revision + 1,
        unread=table.c.unread + 1,
        last_inbound_at=case((table.c.last_inbound_at > _OCCURRED, table.c.last_inbound_at), else_=_OCCURRED),
        last_message_at=_NOW,
        unanswered_since=func.coalesce(table.c.unanswered_since, _NOW),
        preview=bindparam("said"),
        language=func.coalesce(bindparam("spoken", type_=table.c.language.type), table.c.language),
    )
    .returning(table.c.revision)
)
