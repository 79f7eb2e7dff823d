"""The fence, for effects that are written before a job finishes."""

from sqlalchemy import Connection, bindparam, select

from leadkeeper.errors import ClaimLost
from leadkeeper.queue.jobs import Claimed
from leadkeeper.store.prepared import Prepared
from leadkeeper.store.schema import jobs


def hold(conn: Connection, job: Claimed) -> None:
    """Keep the job's row until this transaction ends. Raises ClaimLost when another worker has claimed it."""
    if _HOLD.first(conn, id=job.id, claim=job.claim) is None:
        raise ClaimLost(f"job {job.id} is in other hands now")


_HOLD = Prepared(
    select(jobs.c.id)
    .where(jobs.c.id == bindparam("id"), jobs.c.claim == bindparam("claim"), jobs.c.status == "processing")
    .with_for_update()
)
