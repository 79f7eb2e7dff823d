"""What providers say became of our messages. A receipt may come before our own answer: it is kept and applied later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, Update, and_, bindparam, or_, select, update

from leadkeeper import clock
from leadkeeper.crm import messages
from leadkeeper.store.given import IDS, NUMBER, TEXT, Given
from leadkeeper.store.prepared import Prepared, Row, among
from leadkeeper.store.schema import conversations
from leadkeeper.store.schema import messages as outbound
from leadkeeper.store.schema import receipts as table
from leadkeeper.store.upsert import insert_once

ARRIVED = ("delivered", "read")
"""Receipts that are true of the message, whichever attempt they are of."""
AROUND = timedelta(minutes=1)
"""How far a provider's clock may be from ours when it tells us our own message back."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a provider says of a message of ours on one account; `token` is that of the attempt, where it comes back."""

    account_id: int
    external_id: str
    status: str
    token: str | None = None
    occurred_at: datetime | None = None
    error_code: str | None = None
    error: str | None = None


def keep(conn: Connection, told: Sequence[Receipt]) -> list[int | None]:
    """Store receipts, each once; returns the message each belongs to, when it is known already."""
    now = clock.now()
    found = _find(conn, told)
    rows = [
        {
            "account_id": each.account_id,
            "external_id": each.external_id,
            "status": each.status[:16],
            "token": each.token,
            "message_id": message_id,
            "error_code": each.error_code,
            "error": each.error,
            "occurred_at": each.occurred_at or now,
            "received_at": now,
        }
        for each, message_id in zip(told, found, strict=True)
    ]
    rows.sort(key=_in_order)  # two who are told the same wait, and do not deadlock
    insert_once(conn, table, rows)
    return found


def _in_order(row: Mapping[str, Any]) -> tuple[int, str, int, str]:
    """By message, and of one message in the order things happen: providers' moments are whole seconds."""
    return row["account_id"], row["external_id"], messages.RANK.get(row["status"], len(messages.RANK)), row["status"]


def told_back(conn: Connection, account_id: int, contact_id: int, text: str, token: str | None, at: datetime) -> Row | None:
    """Our message to this contact that a provider tells us back while we do not know yet whether it was taken.

    By the token it carried, where the provider returns one; else by the same text, written while that message
    was on its way: the same words a person writes later are that person's.
    """
    on_the_way = _ON_THE_WAY.all(conn, account=account_id, contact=contact_id)
    if token is not None:
        return next((message for message in on_the_way if message.token == token), None)
    said = text.strip()
    for message in on_the_way:
        began, ended = message.created_at - AROUND, message.state_at + AROUND
        if said and message.body.strip() == said and began <= at and (message.state == "sending" or at <= ended):
            return message
    return None


def claim_parked(conn: Connection, messages: Sequence[Row]) -> None:
    """Give messages the receipts that came before we knew their provider ids."""
    names = [
        (message.id, message.account_id, token_of(message, attempt), message.external_id)
        for message in messages
        for attempt in range(1, message.attempt + 1)
    ]
    if names:
        _CLAIM_PARKED.run(conn, **_NAMES.values(conn.dialect.name, names))


def apply(conn: Connection, message_ids: Sequence[int]) -> dict[int, Row]:
    """Bring messages to what their receipts say; returns the receipts that made one fail, by message.

    While our own call is still out (`sending`) nothing is applied: the receipts wait for its end.
    What was said of an earlier attempt (a failure, above all) is not said of this one. Whoever stores
    a receipt beside us applies it after us: they wait for the message.
    """
    every: dict[int, list[Row]] = {}
    for receipt in _OF_MESSAGES.all(conn, **IDS.values(conn.dialect.name, [(each,) for each in message_ids])):
        every.setdefault(receipt.message_id, []).append(receipt)
    risen: list[tuple[int, str]] = []
    refused: list[Row] = []
    for message in messages.of_ids(conn, every, lock=True).values():
        kept = [receipt for receipt in every[message.id] if message.state != "sending" and _speaks_of(receipt, message)]
        if message.state in messages.IN_DOUBT and kept:
            messages.accepted(conn, message.id, message.external_id or kept[0].external_id)
        reached = [receipt.status for receipt in kept if receipt.status in messages.RANK]
        if reached:
            risen.append((message.id, max(reached, key=messages.RANK.__getitem__)))
        refused += [receipt for receipt in kept if receipt.status == "failed"][:1]
    messages.rise_all(conn, risen)
    return {receipt.message_id: receipt for receipt in refused if _fails(conn, receipt)}


def _fails(conn: Connection, receipt: Row) -> bool:
    """True when this receipt makes its message fail: not one that was delivered before."""
    reason = receipt.error or "the provider could not deliver it"
    return messages.failed(conn, receipt.message_id, receipt.error_code, reason[:200], by_status=True)


def _speaks_of(receipt: Row, message: Row) -> bool:
    """True when a receipt is of the present attempt, or says that an earlier one reached the customer after all."""
    if receipt.status in ARRIVED:
        return True
    if receipt.token is not None:
        return bool(receipt.token == message.token)
    return bool(receipt.external_id == message.external_id)


def token_of(message: Row, attempt: int) -> str:
    """The token one attempt of a message went out with: what restores.mark was then, its id, the attempt."""
    mark = mark_of(message)
    return f"{mark}-{message.id}.{attempt}" if mark else f"{message.id}.{attempt}"


def mark_of(message: Row) -> str:
    """What tokens of a message begin with: an id that was given before a restore and again after it names two messages."""
    return (message.token or "").rpartition("-")[0]


def _find(conn: Connection, told: Sequence[Receipt]) -> list[int | None]:
    """The message of each one's token, else the one the provider knows by its id."""
    dialect = conn.dialect.name
    named = [_read(each.token) for each in told]
    ids = sorted({name[1] for name in named if name is not None})
    ours = {row.id: row for row in _OURS.all(conn, **IDS.values(dialect, [(each,) for each in ids]))} if ids else {}
    found = [_named(each, name, ours) for each, name in zip(told, named, strict=True)]
    left = {(each.account_id, each.external_id) for each, message_id in zip(told, found, strict=True) if message_id is None}
    if not left:
        return found
    known = {
        (row.account_id, row.external_id): int(row.id) for row in _KNOWN.all(conn, **_EXTERNALS.values(dialect, sorted(left)))
    }
    return [message_id or known.get((each.account_id, each.external_id)) for each, message_id in zip(told, found, strict=True)]


def _read(token: str | None) -> tuple[str, int, int] | None:
    """(mark, message, attempt) of a token that may be ours."""
    mark, _, rest = (token or "").rpartition("-")
    number, _, attempt = rest.partition(".")
    if rest.isascii() and number.isdigit() and attempt.isdigit() and len(rest) < 19:
        return mark, int(number), int(attempt)
    return None


def _named(receipt: Receipt, name: tuple[str, int, int] | None, ours: Mapping[int, Row]) -> int | None:
    """The message its token names, if there is one."""
    if name is None:
        return None
    mark, number, attempt = name
    row = ours.get(number)
    if row is None or row.account_id != receipt.account_id or row.attempt < attempt or mark_of(row) != mark:
        return None
    return number


def _claiming(dialect: str) -> Update:
    names = _NAMES.table(dialect)
    mine = and_(table.c.account_id == names.c.account, table.c.message_id.is_(None))
    belongs = or_(table.c.token == names.c.token, table.c.external_id == names.c.external)
    return update(table).where(mine, belongs).values(message_id=names.c.message)


def _of_messages(dialect: str) -> Select[Any]:
    ids = IDS.table(dialect)
    return select(table).where(table.c.message_id == ids.c.id).order_by(table.c.occurred_at, table.c.id)


def _ours(dialect: str) -> Select[Any]:
    ids = IDS.table(dialect)
    rows = select(outbound.c.id, outbound.c.account_id, outbound.c.attempt, outbound.c.token)
    return rows.where(outbound.c.id == ids.c.id, outbound.c.direction == "out")


def _known(dialect: str) -> Select[Any]:
    names = _EXTERNALS.table(dialect)
    same = and_(outbound.c.account_id == names.c.account, outbound.c.external_id == names.c.external)
    return select(outbound.c.id, outbound.c.account_id, outbound.c.external_id).where(same, outbound.c.direction == "out")


_NAMES = Given("names", message=NUMBER, account=NUMBER, token=TEXT, external=TEXT)
_CLAIM_PARKED = Prepared(_claiming)
_OF_MESSAGES = Prepared(_of_messages)
_EXTERNALS = Given("externals", account=NUMBER, external=TEXT)
_OURS = Prepared(_ours)
_KNOWN = Prepared(_known)
_ON_THE_WAY = Prepared(
    select(outbound)
    .join(conversations, conversations.c.id == outbound.c.conversation_id)
    .where(conversations.c.contact_id == bindparam("contact"), outbound.c.account_id == bindparam("account"))
    .where(among(outbound.c.state, ("sending", *messages.IN_DOUBT)))
    .order_by(outbound.c.id)
)
