"""What providers say became of our messages. A receipt may come before our own answer: it is kept and applied later."""

from collections.abc import Sequence
from datetime import datetime, timedelta

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


def keep(
    conn: Connection,
    account_id: int,
    external_id: str,
    status: str,
    *,
    token: str | None,
    occurred_at: datetime | None,
    error_code: str | None = None,
    error: str | None = None,
) -> int | None:
    """Store one receipt, once; returns the message it belongs to, when it is known already."""
    now = clock.now()
    message = _find(conn, account_id, external_id, token)
    row = {
        "account_id": account_id,
        "external_id": external_id,
        "status": status[:16],
        "token": token,
        "message_id": message,
        "error_code": error_code,
        "error": error,
        "occurred_at": occurred_at or now,
        "received_at": now,
    }
    insert_once(conn, table, [row])
    return message


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


def told_of(conn: Connection, message_ids: Sequence[int]) -> set[int]:
    """Those of these messages a receipt was kept of."""
    return set(_TOLD_OF.scalars(conn, **IDS.values(conn.dialect.name, [(each,) for each in message_ids])))


def of_message(conn: Connection, message_id: int) -> list[Row]:
    """Every receipt of a message in the order they happened."""
    return _OF_MESSAGE.all(conn, message=message_id)


def apply(conn: Connection, message_id: int) -> Row | None:
    """Bring a message to what its receipts say; returns the receipt that made it fail, if one did.

    While our own call is still out (`sending`) nothing is applied: the receipts wait for its end.
    What was said of an earlier attempt (a failure, above all) is not said of this one. Whoever stores
    a receipt beside us applies it after us: they wait for the message.
    """
    every = of_message(conn, message_id)
    if not every:
        return None
    message = messages.get(conn, message_id, lock=True)
    if message.state == "sending":
        return None
    kept = [receipt for receipt in every if _speaks_of(receipt, message)]
    if message.state in messages.IN_DOUBT and kept:
        messages.accepted(conn, message_id, message.external_id or kept[0].external_id)
    reached = [receipt for receipt in kept if receipt.status in messages.RANK]
    for receipt in sorted(reached, key=lambda receipt: messages.RANK[receipt.status]):
        messages.rise(conn, message_id, receipt.status)
    refused = next((receipt for receipt in kept if receipt.status == "failed"), None)
    if refused is not None:
        reason = refused.error or "the provider could not deliver it"
        if messages.failed(conn, message_id, refused.error_code, reason[:200], by_status=True):
            return refused
    return None


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


def _find(conn: Connection, account_id: int, external_id: str, token: str | None) -> int | None:
    """The message of our token, else the one the provider knows by this id."""
    if token is not None:
        mark, _, rest = token.rpartition("-")
        number, _, attempt = rest.partition(".")
        if rest.isascii() and number.isdigit() and attempt.isdigit() and len(rest) < 19:
            row = conn.execute(
                select(outbound.c.id, outbound.c.token).where(
                    outbound.c.id == int(number),
                    outbound.c.account_id == account_id,
                    outbound.c.direction == "out",
                    outbound.c.attempt >= int(attempt),
                )
            ).first()
            if row is not None and mark_of(row) == mark:
                return int(row.id)
    found = messages.by_external(conn, account_id, external_id)
    return int(found.id) if found is not None and found.direction == "out" else None


def _claiming(dialect: str) -> Update:
    names = _NAMES.table(dialect)
    mine = and_(table.c.account_id == names.c.account, table.c.message_id.is_(None))
    belongs = or_(table.c.token == names.c.token, table.c.external_id == names.c.external)
    return update(table).where(mine, belongs).values(message_id=names.c.message)


def _telling(dialect: str) -> Select[tuple[int]]:
    ids = IDS.table(dialect)
    return select(table.c.message_id).where(table.c.message_id == ids.c.id).distinct()


_NAMES = Given("names", message=NUMBER, account=NUMBER, token=TEXT, external=TEXT)
_CLAIM_PARKED = Prepared(_claiming)
_TOLD_OF = Prepared(_telling)
_OF_MESSAGE = Prepared(select(table).where(table.c.message_id == bindparam("message")).order_by(table.c.occurred_at, table.c.id))
_ON_THE_WAY = Prepared(
    select(outbound)
    .join(conversations, conversations.c.id == outbound.c.conversation_id)
    .where(conversations.c.contact_id == bindparam("contact"), outbound.c.account_id == bindparam("account"))
    .where(among(outbound.c.state, ("sending", *messages.IN_DOUBT)))
    .order_by(outbound.c.id)
)
