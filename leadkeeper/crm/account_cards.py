"""Channel accounts as people see them: what is connected and how it goes. Nothing here holds a secret."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from leadkeeper import clock
from leadkeeper.crm import accounts
from leadkeeper.crm.circuit import Circuit, of_json
from leadkeeper.errors import Conflict, NotFound
from leadkeeper.queue.rows import pending
from leadkeeper.queue.scopes import park, unpark
from leadkeeper.secretbox import SecretBox
from leadkeeper.store.prepared import Row, among
from leadkeeper.store.schema import channel_accounts as table
from leadkeeper.store.schema import jobs, messages
from leadkeeper.store.signals import signal
from leadkeeper.store.upsert import insert_once

SECRETS = ("token", "app_secret", "verify_token")
"""The credentials of an account, by the names they are stored under."""


@dataclass(frozen=True, slots=True)
class Card:
    """One account without its credentials. `source`: console, environment (read-only here), built-in.

    `waiting` is how many of its sends wait, for whatever reason, `limited` how many of them for a limit of the provider.
    """

    id: int
    channel: str
    external_id: str
    name: str
    base_url: str
    config: Mapping[str, Any]
    source: str
    simulated: bool
    state: str
    halted_reason: str | None
    halted_at: datetime | None
    last_inbound_at: datetime | None
    last_error: str | None
    last_error_at: datetime | None
    has_secrets: bool
    circuit: Circuit | None = None
    waiting: int = 0
    limited: int = 0

    @property
    def editable(self) -> bool:
        """True when its credentials were entered on a page of ours and can be changed there."""
        return self.channel == "whatsapp" and self.source == "console" and not self.simulated

    @property
    def rests(self) -> Circuit | None:
        """Its circuit while it is open: the provider does not answer."""
        return self.circuit if self.circuit is not None and self.circuit.is_open and self.state == "active" else None

    @property
    def next_try(self) -> datetime | None:
        """When a rest ends; None when it has ended, and the next message tries."""
        return self.rests.rests_until(clock.now()) if self.rests is not None else None

    @property
    def switchable(self) -> bool:
        """True when it may be switched off and on here: the environment's number is switched off there."""
        return self.editable


def every(conn: Connection) -> Sequence[Card]:
    """Every account, those of one channel together, the oldest first."""
    found = list(conn.execute(select(table).order_by(table.c.channel.desc(), table.c.id)))
    return _cards(conn, found)


def card(conn: Connection, account_id: int) -> Card:
    """One account. Raises NotFound."""
    row = conn.execute(select(table).where(table.c.id == account_id)).first()
    if row is None:
        raise NotFound(f"there is no channel account {account_id}")
    return _cards(conn, [row])[0]


def resting(conn: Connection) -> Sequence[Card]:
    """Accounts whose provider does not answer."""
    rows = list(conn.execute(select(table).where(table.c.circuit.is_not(None), table.c.state == "active").order_by(table.c.id)))
    return [each for each in _cards(conn, rows) if each.rests is not None] if rows else []


def connect(
    conn: Connection,
    box: SecretBox,
    external_id: str,
    name: str,
    base_url: str,
    credentials: Mapping[str, str],
    config: Mapping[str, Any],
) -> int:
    """Store a new WhatsApp account that was entered by a person. Raises Conflict when the number is connected already."""
    row = {
        "channel": "whatsapp", "external_id": external_id, "name": name, "base_url": base_url, "config": dict(config),
        "source": "console", "secrets": box.seal(dict(credentials)), "created_at": clock.now(),
    }  # fmt: skip
    made = insert_once(conn, table, [row], table.c.id)
    if not made:
        raise Conflict("this number is connected already")
    signal(conn, "channels")
    return int(made[0].id)


def describe(conn: Connection, account_id: int, name: str, base_url: str) -> None:
    """Change what an account is called and where its provider is reached."""
    conn.execute(update(table).where(table.c.id == account_id).values(name=name, base_url=base_url))
    signal(conn, "channels")


def switch_off(conn: Connection, account_id: int) -> None:
    """Close the account's door and park what waits to be sent: nothing comes in or goes out until it is switched on."""
    conn.execute(update(table).where(table.c.id == account_id).values(state="off", halted_reason=None, halted_at=None))
    park(conn, accounts.scope(account_id))
    signal(conn, "channels")


def switch_on(conn: Connection, account_id: int) -> None:
    """Open the door again; what was parked becomes due now."""
    on = table.c.id == account_id, table.c.state == "off"
    if conn.execute(update(table).where(*on).values(state="active")).rowcount:
        unpark(conn, accounts.scope(account_id))
        signal(conn, "channels")


def _cards(conn: Connection, rows: Sequence[Row]) -> list[Card]:
    waiting = select(jobs.c.scope, func.count()).where(jobs.c.scope.is_not(None), pending()).group_by(jobs.c.scope)
    limited = (
        select(messages.c.account_id, func.count())
        .where(among(messages.c.state, ("ready",)), messages.c.turn_at > clock.now())
        .group_by(messages.c.account_id)
    )
    sends, turns = ({row[0]: int(row[1]) for row in conn.execute(query)} for query in (waiting, limited))
    return [replace(_card(row), waiting=sends.get(accounts.scope(row.id), 0), limited=turns.get(row.id, 0)) for row in rows]


def _card(row: Row) -> Card:
    return Card(
        row.id, row.channel, row.external_id, row.name, row.base_url or "", row.config, row.source, row.simulated, row.state,
        row.halted_reason, row.halted_at, row.last_inbound_at, row.last_error, row.last_error_at, row.secrets is not None,
        of_json(row.circuit),
    )  # fmt: skip
