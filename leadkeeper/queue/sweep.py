"""The net under the head flag: keys whose jobs wait although none of them is the head.

Enqueue, finish, cancel and redrive keep the flag right by themselves; this repairs and counts, and
the count is expected to stay 0. It is kept as a setting so that the console can show it.
"""

import logging

from sqlalchemy import Connection, exc, exists, select

from leadkeeper.queue.promote import promote
from leadkeeper.queue.rows import follows, live_head
from leadkeeper.store import settings_rows
from leadkeeper.store.prepared import Prepared
from leadkeeper.store.savepoint import Savepoint
from leadkeeper.store.schema import jobs

log = logging.getLogger(__name__)

_COUNT = "queue.swept"


def headless(conn: Connection) -> list[str]:
    """The keys whose jobs wait behind nobody."""
    return _HEADLESS.scalars(conn)


def sweep(conn: Connection) -> int:
    """Promote the first job of every key without a head; returns how many there were."""
    keys = headless(conn)
    if not keys:
        return 0
    savepoint = Savepoint(conn)
    try:
        promoted = promote(conn, keys)
        savepoint.keep()
    except exc.IntegrityError:  # somebody enqueued a head just now: that key is well
        savepoint.undo()
        return 0
    if promoted:
        log.error("keys had jobs and no head; repaired", extra={"count": len(promoted)})
        settings_rows.save(conn, _COUNT, swept(conn) + len(promoted))
    return len(promoted)


def swept(conn: Connection) -> int:
    """How many keys were ever repaired. More than 0 is a defect of the queue."""
    return int(settings_rows.get(conn, _COUNT, 0))


_head = jobs.alias("head_of_key")
_HEADLESS = Prepared(select(jobs.c.key).where(follows(), ~exists().where(_head.c.key == jobs.c.key, live_head(_head))).distinct())
