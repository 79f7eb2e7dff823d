"""Why each try of a job did not work out: one row a try, kept beside the job."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert

from leadkeeper import clock
from leadkeeper.store.schema import job_errors

LONGEST = 4_000
"""Characters of an error's text that are kept."""


@dataclass(frozen=True, slots=True)
class TryError:
    """`kind`: retry, fail, lost (its worker died), late (the result came after another worker took over)."""

    job_id: int
    attempt: int
    worker: str | None
    kind: str
    error: str


def record(conn: Connection, errors: Sequence[TryError]) -> None:
    """Keep what went wrong."""
    if errors:
        now = clock.now()
        rows = [
            {"job_id": e.job_id, "attempt": e.attempt, "worker": e.worker, "kind": e.kind, "error": storable(e.error), "at": now}
            for e in errors
        ]
        conn.execute(insert(job_errors), rows)


def storable(error: str) -> str:
    """A text any database takes: no NUL, no lone surrogate, not endless."""
    clean = error.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    return clean[:LONGEST] or "no reason given"
