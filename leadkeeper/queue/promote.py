"""The head of a key: the first unfinished of its jobs, the only one that may run.

`head` is stored, under a unique partial index, because asking "is there an earlier one?" at every
claim collapses with one busy conversation. Whoever ends a head promotes the next, in the same
transaction and after its own change: locks on heads are taken in the order of keys.
"""

from collections.abc import Collection

from sqlalchemy import Connection, Select, Update, exists, select, true, update

from leadkeeper.crashpoints import point
from leadkeeper.queue.rows import KEYS, follows, live_head, unfinished
from leadkeeper.store.prepared import Prepared
from leadkeeper.store.schema import jobs

LOOKS = 20
"""Looks for the head of a key before it is taken to have none; each waits for a transaction to end."""


def promote(conn: Connection, keys: Collection[str]) -> list[int]:
    """Make the first pending job of each key without a head its head; returns the promoted ids."""
    if not keys:
        return []
    given = KEYS.values(conn.dialect.name, [(key,) for key in sorted(set(keys))])
    point("promote.begins")
    return _PROMOTE.scalars(conn, **given)


def lock_heads(conn: Connection, keys: Collection[str]) -> set[str]:
    """Hold the heads of `keys` against being finished until commit; returns the keys that have one.

    A head that was just finished by another transaction is no longer one when the lock is granted,
    and the next may be promoted by then: whoever finds a key without a head looks once more.
    """
    if not keys:
        return set()
    given = KEYS.values(conn.dialect.name, [(key,) for key in sorted(set(keys))])
    return set(_HEADS.scalars(conn, **given))


def hold_keys(conn: Connection, keys: Collection[str]) -> None:
    """Let nobody finish the heads of `keys` or promote their followers until commit.

    While we waited for a head it may have been finished and its follower promoted; that one is the
    head to hold then, so the look is repeated until every key with work waiting has its head held.
    """
    missing = set(keys)
    for _ in range(LOOKS):
        missing -= lock_heads(conn, missing)
        if not missing or conn.dialect.name == "sqlite":
            return
        given = KEYS.values(conn.dialect.name, [(key,) for key in sorted(missing)])
        missing = set(_WAITING.scalars(conn, **given))


def _promote(dialect: str) -> Update:
    keys = KEYS.table(dialect)
    head, following = jobs.alias("head_of_key"), jobs.alias("following")
    has_head = exists().where(head.c.key == keys.c.key, live_head(head)).correlate(keys)
    first = (
        select(following.c.id)
        .where(following.c.key == keys.c.key, follows(following))
        .order_by(following.c.id)
        .limit(1)
        .correlate(keys)
        .scalar_subquery()
    )
    chosen = select(first).select_from(keys).where(~has_head)
    return update(jobs).where(jobs.c.id.in_(chosen), follows()).values(head=True).returning(jobs.c.id)


def _heads(dialect: str) -> Select[tuple[str]]:
    """Looked up key by key: PostgreSQL, whose idea of how many heads there are is old, joined the keys with all of them
    (64 ms for 64 keys beside 4,000 heads; so 0.1 ms). A lateral query that locks is never joined otherwise, and locks
    in the order of the keys beside it."""
    given = KEYS.table(dialect)
    keys = select(given.c.key).order_by(given.c.key).subquery("sorted_keys")
    one = select(jobs.c.key).where(jobs.c.key == keys.c.key, live_head())
    if dialect == "sqlite":
        return one
    head = one.with_for_update(read=True).correlate(keys).lateral("head")
    return select(head.c.key).select_from(keys.join(head, true()))


def _waiting(dialect: str) -> Select[tuple[str]]:
    """The keys among those given that have unfinished jobs."""
    keys = KEYS.table(dialect)
    return select(jobs.c.key).where(jobs.c.key == keys.c.key, unfinished()).distinct()


_PROMOTE = Prepared(_promote)
_HEADS = Prepared(_heads)
_WAITING = Prepared(_waiting)
