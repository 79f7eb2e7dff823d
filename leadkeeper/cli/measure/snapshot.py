"""bench snapshot: the work of a soak, the second half of it beside a reader who holds one snapshot until the end.

What a snapshot may still see is not cleared away: dead rows pile up in PostgreSQL's tables, pages in SQLite's log.
With its 5,000,000 jobs the snapshot is held for about three minutes.
"""

from collections.abc import Sequence
from itertools import islice

from leadkeeper import clock
from leadkeeper.cli.measure.figure import Figure
from leadkeeper.cli.measure.ground import Ground
from leadkeeper.cli.measure.soak import JOBS, Tenth, at_work, told, worked
from leadkeeper.queue import minutes
from leadkeeper.store.types import EPOCH


def measure(ground: Ground, scale: float) -> Sequence[Figure]:
    """One round."""
    count = max(1_000, int(JOBS * scale))
    with at_work(ground) as db:
        tenths = told(worked(db, count // 10))
        alone = list(islice(tenths, 5))
        began = clock.monotonic()
        with db.snapshot() as conn:
            minutes.since(conn, EPOCH)  # on both engines the snapshot is taken by the first statement
            beside = list(tenths)
        held = clock.monotonic() - began
    return [
        Figure("snapshot", "rate_alone", "jobs/s", [_rate(alone)]),
        Figure("snapshot", "rate_beside", "jobs/s", [_rate(beside)]),
        Figure("snapshot", "beside_to_alone", "ratio", [_rate(beside) / _rate(alone)]),
        Figure("snapshot", "last_to_alone", "ratio", [beside[-1].rate / _rate(alone)]),
        Figure("snapshot", "held", "s", [held]),
    ]


def _rate(tenths: Sequence[Tenth]) -> float:
    """Jobs a second."""
    return sum(each.count for each in tenths) / sum(each.seconds for each in tenths)
