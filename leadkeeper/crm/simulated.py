"""Accounts whose provider is our own simulator: customers who do not exist, and a phone on the screen.

Everything that hangs on such an account is demo data. Real accounts are never touched here.
"""

import secrets

from sqlalchemy import Connection, select, update

from leadkeeper.crm import accounts
from leadkeeper.secretbox import SecretBox
from leadkeeper.store.schema import channel_accounts as table
from leadkeeper.store.signals import signal

NAME = "Simulated WhatsApp"
DISPLAY_NUMBER = "971600000100"
"""A number nobody has: the simulator shows it as the business's own."""

THROUGHPUT = 1_000
"""Messages a second: the tier of a busy number."""


def ids(conn: Connection) -> list[int]:
    """Every simulated account, the oldest first."""
    return [int(found) for found in conn.execute(select(table.c.id).where(table.c.simulated).order_by(table.c.id)).scalars()]


def ensure(conn: Connection, box: SecretBox, base_url: str = "") -> int:
    """The id of the simulated WhatsApp account, made with fresh random secrets when there is none.

    `base_url` is where the worker reaches the simulator; an empty one leaves what is stored.
    """
    found = ids(conn)
    account_id = found[0] if found else _make(conn, box)
    if base_url:
        point_to(conn, base_url)
    return account_id


def point_to(conn: Connection, base_url: str) -> None:
    """Say where the simulator is reached now: our own port may differ from one start to the next."""
    stale = table.c.simulated & (table.c.base_url.is_(None) | (table.c.base_url != base_url))
    if conn.execute(update(table).where(stale).values(base_url=base_url)).rowcount:
        signal(conn, "channels")


def _make(conn: Connection, box: SecretBox) -> int:
    number = "900" + "".join(secrets.choice("0123456789") for _ in range(12))
    account_id = accounts.ensure(conn, "whatsapp", number, NAME, display_number=DISPLAY_NUMBER, throughput=THROUGHPUT)
    conn.execute(update(table).where(table.c.id == account_id).values(simulated=True))
    generated = {name: secrets.token_urlsafe(24) for name in ("token", "app_secret", "verify_token")}
    accounts.save_credentials(conn, box, account_id, generated)
    return account_id
