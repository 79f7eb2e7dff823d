"""The messages table and the send states of an outbound message. Nobody else changes a state.

    draft -> ready -> sending -> accepted -> sent > delivered > read     draft | ready -> cancelled, final
                      |   |  \\-> failed(code)             definite refusal
                      |   \\----> unknown -> accepted ... | failed | needs_human
                      \\--------> ready                    known unsent
    needs_human -> ready (a person's resend) | accepted (it arrived, or a status came after all)

Every change names the states it may come from, so a late writer changes nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import cache, partial
from typing import Any

from sqlalchemy import Connection, Select, String, Update, and_, bindparam, case, cast, exists, or_, select, update

from leadkeeper import clock
from leadkeeper.errors import Conflict, NotFound
from leadkeeper.store import restores
from leadkeeper.store.given import IDS, NUMBER, TEXT, Given
from leadkeeper.store.prepared import Prepared, Row, among
from leadkeeper.store.schema import channel_accounts
from leadkeeper.store.schema import messages as table
from leadkeeper.store.signals import signal
from leadkeeper.store.upsert import insert_once

RANK = {"accepted": 1, "sent": 2, "delivered": 3, "read": 4}
AUTOMATIC = ("notice", "reply", "proactive")
WAITING = ("draft", "ready")
IN_DOUBT = ("unknown", "needs_human")


def get(conn: Connection, message_id: int, *, lock: bool = False) -> Row:
    """One message's row, locked against other writers when asked. Raises NotFound."""
    row = (_GET_LOCKED if lock else _GET).first(conn, id=message_id)
    if row is None:
        raise NotFound(f"there is no message {message_id}")
    return row


def of_ids(conn: Connection, message_ids: Collection[int], *, lock: bool = False) -> dict[int, Row]:
    """Many messages by id, locked in the order of ids against other writers when asked."""
    if not message_ids:
        return {}
    given = IDS.values(conn.dialect.name, [(each,) for each in message_ids])
    return {row.id: row for row in (_OF_IDS_LOCKED if lock else _OF_IDS).all(conn, **given)}


def begin_attempts(conn: Connection, wanted: Sequence[tuple[int, int]]) -> dict[int, str]:
    """ready -> sending, for each (message, job): count the attempt and give it its token; tokens by message.

    Committed before the socket opens, so that a crash afterwards leaves `sending` behind. Raises
    Conflict when a message is not ready.
    """
    if not wanted:
        return {}
    begun = _BEGIN.all(conn, now=clock.now(), mark=restores.mark(conn), **_ATTEMPTS.values(conn.dialect.name, wanted))
    if len(begun) < len(wanted):
        raise Conflict("the message is not ready to be sent")
    for row in begun:
        _told(conn, row.conversation_id)
    return {row.id: row.token for row in begun}


def accept_all(conn: Connection, taken: Sequence[tuple[int, str]]) -> list[Row]:
    """The provider took these (message, its name for it): sending | in doubt -> accepted; the rows of those that moved.

    A name that another message has already (an echo of this one that nobody knew for ours) stays there. `troubled`:
    their account's circuit holds failures.
    """
    moved = _ACCEPT.all(conn, now=clock.now(), **_TAKEN.values(conn.dialect.name, taken))
    for row in moved:
        _told(conn, row.conversation_id)
    return moved


def accepted(conn: Connection, message_id: int, provider_id: str | None) -> bool:
    """The provider took it, perhaps under a name nobody knows: sending | unknown | needs_human -> accepted."""
    if provider_id is not None:
        return bool(accept_all(conn, [(message_id, provider_id)]))
    return _move(conn, message_id, ("sending", *IN_DOUBT), "accepted", error_code=None)


def back_to_ready(conn: Connection, message_id: int, reason: str, code: str | None = None) -> bool:
    """Known unsent: sending -> ready, to be tried again."""
    return _move(conn, message_id, ("sending",), "ready", reason, error_code=code)


def in_doubt(conn: Connection, message_id: int, reason: str) -> bool:
    """The outcome is not known: sending -> unknown; never repeated by us."""
    return _move(conn, message_id, ("sending",), "unknown", reason)


def needs_human(conn: Connection, message_id: int) -> bool:
    """No word came: unknown -> needs_human; why it is in doubt stays."""
    return _move(conn, message_id, ("unknown",), "needs_human", get(conn, message_id).reason)


def in_doubt_again(conn: Connection, message_id: int, settled: str, reason: str | None) -> bool:
    """A person takes back that it arrived (accepted) or goes once more (ready): -> needs_human."""
    return _move(conn, message_id, (settled,), "needs_human", reason)


def resend(conn: Connection, message_id: int) -> bool:
    """A person decided that it did not arrive: needs_human | unknown -> ready, as their own message from then on."""
    return _move(conn, message_id, IN_DOUBT, "ready", "resent by a person", purpose="person", revision=None)


def retry_failed(conn: Connection, message_id: int) -> bool:
    """A person tries a refused message again: failed -> ready, as their own message from then on."""
    return _move(conn, message_id, ("failed",), "ready", "tried again by a person", purpose="person", revision=None)


def failed(conn: Connection, message_id: int, code: str | None, reason: str, *, by_status: bool = False) -> bool:
    """Definitely not delivered. A provider's `failed` status counts from `accepted` and `sent` too, never after delivery."""
    allowed = ("sending", *IN_DOUBT, "accepted", "sent") if by_status else ("ready", "sending")
    return _move(conn, message_id, allowed, "failed", reason, error_code=code)


def cancel(conn: Connection, message_id: int, reason: str) -> bool:
    """No longer wanted, and never given to the provider: draft | ready -> cancelled, final."""
    return _move(conn, message_id, WAITING, "cancelled", reason)


def rise_all(conn: Connection, told: Sequence[tuple[int, str]]) -> int:
    """Apply receipts, at most one a message: states only move up the rank; from in doubt any settles. How many moved."""
    if not told:
        return 0
    moved = _RISE.all(conn, now=clock.now(), **_RISES.values(conn.dialect.name, told))
    for row in moved:
        _told(conn, row.conversation_id)
    return len(moved)


def cancel_waiting(conn: Connection, conversation_id: int, reason: str, purposes: Collection[str] = AUTOMATIC) -> list[int]:
    """Cancel what waits to be sent to a conversation; returns the ids of the cancelled messages."""
    cancelled = conn.execute(
        update(table)
        .where(table.c.conversation_id == conversation_id, table.c.state.in_(WAITING), table.c.purpose.in_(purposes))
        .values(state="cancelled", state_at=clock.now(), reason=reason)
        .returning(table.c.id)
    ).scalars()
    ids = [int(message_id) for message_id in cancelled]
    if ids:
        _told(conn, conversation_id)
    return ids


def store_inbound(conn: Connection, row: Mapping[str, Any]) -> int | None:
    """Store what a customer said; None when this provider message is stored already."""
    new = insert_once(conn, table, [{"direction": "in", "author": "customer", "created_at": clock.now(), **row}], table.c.id)
    return int(new[0].id) if new else None


def by_external(conn: Connection, account_id: int, external_id: str) -> Row | None:
    """The message a provider knows by this id, either direction."""
    return _BY_EXTERNAL.first(conn, account=account_id, external=external_id)


def record_person_echo(conn: Connection, row: Mapping[str, Any]) -> int | None:
    """Store what a person of the business wrote in the provider's own app: it is sent already."""
    now = clock.now()
    values = {"direction": "out", "author": "person", "purpose": "person", "state": "sent", "state_at": now, "created_at": now}
    new = insert_once(conn, table, [{**values, **row}], table.c.id)
    return int(new[0].id) if new else None


def _move(
    conn: Connection, message_id: int, allowed: Collection[str], state: str, reason: str | None = None, **values: Any
) -> bool:
    values |= {"state": state, "state_at": clock.now(), "reason": reason}
    moved = _moving(tuple(allowed), tuple(values)).scalar(conn, message=message_id, **values)
    if moved is None:
        return False
    _told(conn, moved)
    return True


@cache
def _moving(allowed: tuple[str, ...], names: tuple[str, ...]) -> Prepared:
    mine = (table.c.id == bindparam("message"), among(table.c.state, allowed))
    values = {name: bindparam(name, type_=table.c[name].type) for name in names}
    return Prepared(update(table).where(*mine).values(values).returning(table.c.conversation_id))


def _told(conn: Connection, conversation_id: int) -> None:
    signal(conn, "inbox", f"conversation:{conversation_id}")


_GET = Prepared(select(table).where(table.c.id == bindparam("id")))
_GET_LOCKED = Prepared(select(table).where(table.c.id == bindparam("id")).with_for_update())
_BY_EXTERNAL = Prepared(
    select(table).where(table.c.account_id == bindparam("account"), table.c.external_id == bindparam("external"))
)


def _beginning(dialect: str) -> Update:
    attempts = _ATTEMPTS.table(dialect)
    return (
        update(table)
        .where(table.c.id == attempts.c.message, table.c.state == "ready")
        .values(
            state="sending",
            state_at=bindparam("now"),
            attempt=table.c.attempt + 1,
            token=bindparam("mark", type_=String) + cast(table.c.id, String) + "." + cast(table.c.attempt + 1, String),
            send_job_id=attempts.c.job,
            external_id=None,
            reason=None,
        )
        .returning(table.c.id, table.c.token, table.c.conversation_id)
    )


def _rising(dialect: str) -> Update:
    told = _RISES.table(dialect)
    lower = [and_(told.c.status == status, among(table.c.state, [*IN_DOUBT, *_below(status)])) for status in RANK]
    return (
        update(table)
        .where(table.c.id == told.c.message, or_(*lower))
        .values(state=told.c.status, state_at=bindparam("now"), reason=None)
        .returning(table.c.conversation_id)
    )


def _below(status: str) -> list[str]:
    return [state for state, rank in RANK.items() if rank < RANK[status]]


def _of_ids(dialect: str, *, locked: bool) -> Select[Any]:
    ids = IDS.table(dialect)
    rows = select(table).where(table.c.id == ids.c.id).order_by(table.c.id)
    return rows.with_for_update(of=table) if locked else rows


def _accepting(dialect: str) -> Update:
    taken, other = _TAKEN.table(dialect), table.alias("other")
    same = (other.c.account_id == table.c.account_id, other.c.external_id == taken.c.provider_id)
    name = case((exists().where(*same, other.c.id != table.c.id), None), else_=taken.c.provider_id)
    troubled = (
        select(channel_accounts.c.circuit.is_not(None)).where(channel_accounts.c.id == table.c.account_id).scalar_subquery()
    )
    return (
        update(table)
        .where(table.c.id == taken.c.message, among(table.c.state, ("sending", *IN_DOUBT)))
        .values(state="accepted", state_at=bindparam("now"), external_id=name, reason=None, error_code=None)
        .returning(*(table.c[each] for each in _OF_ACCEPTED), troubled.label("troubled"))
    )


_ATTEMPTS = Given("attempts", message=NUMBER, job=NUMBER)
_OF_ACCEPTED = ("id", "conversation_id", "account_id", "purpose", "attempt", "token", "external_id", "state")
_TAKEN = Given("taken", message=NUMBER, provider_id=TEXT)
_RISES = Given("rises", message=NUMBER, status=TEXT)
_BEGIN = Prepared(_beginning)
_ACCEPT = Prepared(_accepting)
_RISE = Prepared(_rising)
_OF_IDS = Prepared(partial(_of_ids, locked=False))
_OF_IDS_LOCKED = Prepared(partial(_of_ids, locked=True))
