"""Channel accounts: what is connected, with which credentials, and whether it is halted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from leadkeeper import clock
from leadkeeper.crm import circuit as rules
from leadkeeper.crm.circuit import Circuit
from leadkeeper.errors import NotFound
from leadkeeper.queue.scopes import hold_back, park, unpark
from leadkeeper.secretbox import SecretBox
from leadkeeper.store.prepared import Prepared, Row
from leadkeeper.store.schema import channel_accounts as table
from leadkeeper.store.signals import signal
from leadkeeper.store.upsert import insert_once


@dataclass(frozen=True, slots=True)
class Account:
    """A channel account with its credentials in clear: for senders and verifiers only, never shown."""

    id: int
    channel: str
    external_id: str
    name: str
    base_url: str
    config: Mapping[str, Any]
    state: str = "active"
    simulated: bool = False
    credentials: Mapping[str, str] = field(repr=False, default_factory=dict)
    circuit: Circuit | None = None

    def throughput(self, usual: int | None) -> int | None:
        """Messages a second its provider takes from it: `usual`, unless its own tier is written down; fewer where
        it is shared with the provider's own app."""
        own, shared = self.config.get("throughput"), self.config.get(_SHARED)
        count = own if isinstance(own, int) and own > 0 else usual
        return min(count, shared) if count is not None and isinstance(shared, int) else count

    def rests_until(self, *, proactive: bool) -> datetime | None:
        """Until when the provider has asked for silence: of everything, or of proactive messages."""
        asked = [self.config.get(name) for name in (_REST, *((_REST_PROACTIVE,) if proactive else ()))]
        return max((datetime.fromisoformat(each) for each in asked if isinstance(each, str)), default=None)


_REST, _REST_PROACTIVE, _SHARED = "restUntil", "proactiveRestUntil", "sharedThroughput"


def ensure(
    conn: Connection, channel: str, external_id: str, name: str, *, source: str = "built-in", base_url: str = "", **config: Any
) -> int:
    """The id of this account, made when there is none; an existing one is left as it is."""
    found = find(conn, channel, external_id)
    if found is not None:
        return found
    row = {
        "channel": channel,
        "external_id": external_id,
        "name": name,
        "base_url": base_url,
        "config": config,
        "source": source,
        "created_at": clock.now(),
    }
    insert_once(conn, table, [row])
    signal(conn, "channels")
    return ensure(conn, channel, external_id, name)


def find(conn: Connection, channel: str, external_id: str) -> int | None:
    """The id of the account a provider knows by this id."""
    query = select(table.c.id).where(table.c.channel == channel, table.c.external_id == external_id)
    found = conn.execute(query).scalar_one_or_none()
    return None if found is None else int(found)


def load(conn: Connection, box: SecretBox, account_id: int) -> Account:
    """One account with its credentials. Raises NotFound."""
    row = _GET.first(conn, id=account_id)
    if row is None:
        raise NotFound(f"there is no channel account {account_id}")
    return _account(row, box)


def channel_of(conn: Connection, account_id: int) -> str:
    """The channel an account is of."""
    return str(conn.execute(select(table.c.channel).where(table.c.id == account_id)).scalar_one())


def of_channel(conn: Connection, box: SecretBox, channel: str) -> Sequence[Account]:
    """Every account of a channel that is not switched off, halted ones included: they still receive."""
    rows = conn.execute(select(table).where(table.c.channel == channel, table.c.state != "off").order_by(table.c.id))
    return [_account(row, box) for row in rows]


def save_credentials(
    conn: Connection, box: SecretBox, account_id: int, credentials: Mapping[str, str], config: Mapping[str, Any] | None = None
) -> None:
    """Store credentials encrypted, keeping those not given anew; a halted account stays halted until resumed."""
    conn.execute(select(table.c.id).where(table.c.id == account_id).with_for_update())
    account = load(conn, box, account_id)
    merged = {**account.credentials, **{name: value for name, value in credentials.items() if value}}
    values: dict[str, Any] = {"secrets": box.seal(merged), "config": {**account.config, **(config or {})}}
    conn.execute(update(table).where(table.c.id == account_id).values(**values))
    signal(conn, "channels")


def halt(conn: Connection, account_id: int, reason: str) -> bool:
    """Stop sending on an account and park what waits to be sent, in one statement; False when it was halted already."""
    now = clock.now()
    halted = conn.execute(
        update(table)
        .where(table.c.id == account_id, table.c.state == "active")
        .values(state="halted", halted_reason=reason, halted_at=now, last_error=reason, last_error_at=now)
    ).rowcount
    if halted:
        park(conn, scope(account_id))
        signal(conn, "channels")
    return bool(halted)


def rest(conn: Connection, account_id: int, until: datetime, *, proactive: bool) -> None:
    """The provider's rate limit: nothing more is sent on this account before `until`, or nothing proactive.

    What waits to be sent waits until then; a longer rest that was asked for before stands.
    """
    row = conn.execute(select(table.c.config).where(table.c.id == account_id).with_for_update()).one()
    name = _REST_PROACTIVE if proactive else _REST
    if str(row.config.get(name) or "") < until.isoformat():
        conn.execute(update(table).where(table.c.id == account_id).values(config={**row.config, name: until.isoformat()}))
    if not proactive:
        hold_back(conn, scope(account_id), until)


def shared_with_app(conn: Connection, account_id: int, a_second: int) -> None:
    """The business writes from the provider's own app, too: this account may send so many a second at most."""
    row = conn.execute(select(table.c.config).where(table.c.id == account_id).with_for_update()).one()
    if row.config.get(_SHARED) != a_second:
        conn.execute(update(table).where(table.c.id == account_id).values(config={**row.config, _SHARED: a_second}))
        signal(conn, "channels")


def resume(conn: Connection, account_id: int) -> None:
    """Send again: the parked jobs become due now."""
    conn.execute(
        update(table)
        .where(table.c.id == account_id, table.c.state == "halted")
        .values(state="active", halted_reason=None, halted_at=None)
    )
    unpark(conn, scope(account_id))
    signal(conn, "channels")


def halted(conn: Connection) -> Sequence[tuple[str, str]]:
    """(name, reason) of every account that is halted: for the banner every operator sees."""
    rows = conn.execute(select(table.c.name, table.c.halted_reason).where(table.c.state == "halted").order_by(table.c.id))
    return [(row.name, row.halted_reason or "") for row in rows]


def reaching_customers(conn: Connection) -> Sequence[str]:
    """Names of the accounts real people write to: connected, not ours, and over https as every real provider is."""
    real = ~table.c.simulated & (table.c.state != "off") & table.c.base_url.like("https://%")
    return list(conn.execute(select(table.c.name).where(real).order_by(table.c.id)).scalars())


def note_error(conn: Connection, account_id: int, text: str) -> None:
    """Remember the last thing that went wrong on an account, for its card."""
    conn.execute(update(table).where(table.c.id == account_id).values(last_error=text[:500], last_error_at=clock.now()))
    signal(conn, "channels")


def scope(account_id: int) -> str:
    """The queue's name for everything that is sent through one account."""
    return f"account:{account_id}"


def _account(row: Row, box: SecretBox) -> Account:
    credentials = box.unseal(row.secrets) if row.secrets else {}
    return Account(
        row.id, row.channel, row.external_id, row.name, row.base_url or "", row.config, row.state, row.simulated, credentials,
        rules.of_json(row.circuit),
    )  # fmt: skip


_GET = Prepared(select(table).where(table.c.id == bindparam("id")))
