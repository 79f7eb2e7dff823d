"""The fence, for effects that are written before a job finishes."""

from sqlalchemy import Connection, Select, select

from leadkeeper.errors import ClaimLost
from leadkeeper.queue.jobs import Claimed
from leadkeeper.queue.rows import HELD, processing
from leadkeeper.store.prepared import Prepared
from leadkeeper.store.schema import jobs


def hold(conn: Connection, *claimed: Claimed) -> None:
    """Keep the jobs' rows until this transaction ends. Raises ClaimLost when another worker has claimed one."""
    pairs = HELD.values(conn.dialect.name, [(job.id, job.claim) for job in claimed])
    lost = {job.id for job in claimed}.difference(_HOLD.scalars(conn, **pairs))
    if lost:
        raise ClaimLost(f"job {min(lost)} is in other hands now")


def _holding(dialect: str) -> Select[tuple[int]]:
    held = HELD.table(dialect)
    ours = select(jobs.c.id).where(jobs.c.id == held.c.id, jobs.c.claim == held.c.claim, processing())
    return ours.order_by(jobs.c.id).with_for_update(of=jobs)


_HOLD = Prepared(_holding)
