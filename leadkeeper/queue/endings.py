"""Jobs that end otherwise than completed, and what their type does about it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Update, bindparam, update

from leadkeeper import clock
from leadkeeper.queue.handlers import job_types
from leadkeeper.queue.jobs import Claimed
from leadkeeper.queue.minutes import count
from leadkeeper.store.given import NUMBER, TEXT, Given
from leadkeeper.store.prepared import Prepared
from leadkeeper.store.schema import jobs
from leadkeeper.store.types import Instant

BY_PERSON = "cancelled by a person"
_ENDED = Given("ended", id=NUMBER, status=TEXT, error=TEXT)


@dataclass(frozen=True, slots=True)
class Ending:
    """A job that ends as `failed` or `cancelled`; `settle`: its type's `when_failed` runs."""

    job: Claimed
    status: str
    error: str
    settle: bool


class EffectRaised(Exception):
    """A `then` or `when_failed` raised: the transaction must not be committed. `of` says which."""

    def __init__(self, job: Claimed, of: str, error: Exception) -> None:
        super().__init__(f"{of} of {job.type}: {type(error).__name__}: {error}")
        self.job = job
        self.of = of


def end(conn: Connection, endings: Sequence[Ending]) -> None:
    """Write the last status of jobs whose rows the caller holds; promoting is the caller's."""
    if endings:
        rows = [(ending.job.id, ending.status, ending.error) for ending in endings]
        values = _ENDED.values(conn.dialect.name, rows)
        _END.run(conn, **values, now=clock.now())
        failed = sum(ending.status == "failed" for ending in endings)
        count(conn, failed=failed, cancelled=len(endings) - failed)


def settle(conn: Connection, ending: Ending) -> None:
    """Run the type's `when_failed`, in the transaction that ends the job. Raises EffectRaised."""
    known = job_types.peek(ending.job.type)
    if ending.settle and known is not None and known.when_failed is not None:
        try:
            known.when_failed(conn, ending.job, ending.error)
        except Exception as error:
            raise EffectRaised(ending.job, "when_failed", error) from error


def _end(dialect: str) -> Update:
    ended = _ENDED.table(dialect)
    now = bindparam("now", type_=Instant)
    return (
        update(jobs)
        .where(jobs.c.id == ended.c.id)
        .values(status=ended.c.status, error=ended.c.error, completed_at=now, lease_until=None)
    )


_END = Prepared(_end)
