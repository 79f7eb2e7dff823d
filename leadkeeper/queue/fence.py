"""The fence, for effects that are written before a job finishes."""

from sqlalchemy import Connection, select

from leadkeeper.errors import ClaimLost
from leadkeeper.queue.jobs import Claimed
from leadkeeper.store.schema import jobs


def hold(conn: Connection, job: Claimed) -> None:
    """Keep the job's row until this transaction ends. Raises ClaimLost when another worker has claimed it."""
    query = select(jobs.c.id).where(jobs.c.id == job.id, jobs.c.claim == job.claim, jobs.c.status == "processing")
    if conn.execute(query.with_for_update()).first() is None:
        raise ClaimLost(f"job {job.id} is in other hands now")
