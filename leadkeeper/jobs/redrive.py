"""A person's "try it again" and "no longer wanted" for one job, as console, API and command line offer it."""

from collections.abc import Sequence

from sqlalchemy import Connection

from leadkeeper.errors import Conflict, NotFound
from leadkeeper.jobs import person
from leadkeeper.queue import listing
from leadkeeper.queue.cancel import cancel as cancel_jobs
from leadkeeper.queue.retry import redrive
from leadkeeper.store.savepoint import Savepoint


def retry(conn: Connection, job_id: int, user_id: int | None) -> None:
    """Put a failed job back into the queue; a `send` with its refused message, which is ready again.

    Raises NotFound, `person.InDoubt`, or Conflict for a job or message that cannot be tried again.
    """
    job = listing.job(conn, job_id)
    if job.status != "failed":
        raise Conflict(f"Only a failed job can be tried again: this one is {job.status}.")
    if job.type == "send":
        message_id = job.data.get("messageId")
        if not isinstance(message_id, int):
            raise Conflict("This job names no message: it can never be sent.")
        person.ready_again(conn, message_id, user_id)
    if not redrive(conn, [job_id]):
        raise Conflict("This job cannot be tried again: another one does the same already.")


def retry_many(conn: Connection, ids: Sequence[int], user_id: int | None) -> int:
    """Put those of these failed jobs back that can be; returns how many. The others stay as they are."""
    revived = 0
    for job_id in ids:
        savepoint = Savepoint(conn)
        try:
            retry(conn, job_id, user_id)
            savepoint.keep()
            revived += 1
        except (Conflict, NotFound):
            savepoint.undo()
    return revived


def cancel(conn: Connection, job_id: int, user_id: int | None) -> str:
    """Cancel a job that has not ended; returns what became of it: cancelled, or stopping while it runs.

    Raises NotFound, or Conflict for a job that has ended.
    """
    job = listing.job(conn, job_id)
    reason = "cancelled by a person" if user_id is None else f"cancelled by user {user_id}"
    if not cancel_jobs(conn, [job_id], reason):
        raise Conflict(f"This job has ended: it is {job.status}.")
    return "cancelled" if job.status == "pending" else "stopping"
