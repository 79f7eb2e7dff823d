"""What a transaction touched, told to listeners after its commit.

A signal is a hint, never data: whoever hears it reads the rows again. Topics are short words:
`jobs`, `stats`, `worker`, `inbox`, `conversation:12`, `knowledge`, `run:3`, `channels`, `settings`;
`*` means "anything may have changed".
"""

from collections.abc import Callable

from sqlalchemy import Connection

from leadkeeper.store.remembered import forget

Listener = Callable[[frozenset[str]], None]

_KEY = "leadkeeper.signals"


def signal(conn: Connection, *topics: str) -> None:
    """Tell listeners about `topics` once the transaction of `conn` has committed."""
    pending: set[str] = conn.info.setdefault(_KEY, set())
    pending.update(topics)
    forget(conn, topics)


def pending(conn: Connection) -> frozenset[str]:
    """The topics gathered on this connection so far."""
    return frozenset(conn.info.get(_KEY, ()))


def take(conn: Connection) -> frozenset[str]:
    """The topics gathered on this connection since the last call."""
    pending: set[str] | None = conn.info.pop(_KEY, None)
    return frozenset(pending or ())
