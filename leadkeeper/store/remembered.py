"""What a transaction has read of rows that hardly ever change: settings, rules. Kept until it ends.

One transaction often does the work of many messages, and each of them needs the same settings and
rules. A value is read again in the next transaction, and in this one after a `signal` of its topic
or after anything was taken back.
"""

from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")

_KEY = "leadkeeper.remembered"


def remembered(conn: Connection, topic: str, name: Hashable, read: Callable[[], T]) -> T:
    """`read()`, once a transaction for this `topic` and `name`; nobody may change what it returns."""
    values = _of_transaction(conn).setdefault(topic, {})
    if name not in values:
        values[name] = read()
    found: T = values[name]
    return found


def forget(conn: Connection, topics: Iterable[str] | None = None) -> None:
    """Read again what was remembered of `topics`; None: of everything."""
    kept = conn.info.get(_KEY)
    if kept is None:
        return
    if topics is None:
        del conn.info[_KEY]
        return
    for topic in topics:
        kept[1].pop(topic, None)


def _of_transaction(conn: Connection) -> dict[str, dict[Hashable, Any]]:
    """The values by topic and name of the transaction that is open; a connection outlives many of them."""
    transaction = conn.get_transaction() or conn.begin()
    kept = conn.info.get(_KEY)
    if kept is None or kept[0] is not transaction:
        kept = conn.info[_KEY] = (transaction, {})
    values: dict[str, dict[Hashable, Any]] = kept[1]
    return values
