"""bench claim: taking 100 jobs from a table with a history, with timers, with one very busy conversation.

What a claim costs must not depend on what it does not take. Each figure is the median of claims that
are rolled back again, so that all see the same rows.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from statistics import median

from sqlalchemy import Connection, insert, text

from leadkeeper import clock
from leadkeeper.cli.measure.figure import Figure
from leadkeeper.cli.measure.ground import Ground
from leadkeeper.cli.measure.plain_worker import NO_OP
from leadkeeper.queue.claim import Wanted, claim
from leadkeeper.queue.jobs import Lane
from leadkeeper.store.database import Database
from leadkeeper.store.schema import jobs

TAKEN = 100
CLAIMS = 40
PENDING, FINISHED, TIMERS, OF_ONE_KEY = 10_000, 1_000_000, 100_000, 20_000
WANTED = Wanted("bench", TAKEN, 0, timedelta(seconds=15))
SLICE = 20_000


def measure(ground: Ground, scale: float) -> Sequence[Figure]:
    """One round."""
    with ground.opened() as (_, db):
        _fill(db, int(PENDING * scale), _pending)
        empty = _claim_ms(db)
        _fill(db, int(FINISHED * scale), _finished)
        history = _claim_ms(db)
        _fill(db, int(TIMERS * scale), _timer)
        timers = _claim_ms(db)
    with ground.opened() as (_, db):
        _fill(db, int(OF_ONE_KEY * scale), _of_one_key)
        _fill(db, TAKEN, _pending)
        busy = _claim_ms(db)
    return [
        Figure("claim", "of_100", "ms", [empty]),
        Figure("claim", "with_history", "ratio", [history / empty]),
        Figure("claim", "with_timers", "ratio", [timers / empty]),
        Figure("claim", "behind_a_busy_key", "ms", [busy]),
    ]


class _Undone(Exception):
    """Ends a claim that is not to be kept."""


def _claim_ms(db: Database) -> float:
    """Median milliseconds of a claim of `TAKEN`, without its commit."""
    _analyse(db)
    took: list[float] = []

    def take(conn: Connection) -> None:
        began = clock.monotonic()
        claim(conn, WANTED)
        took.append((clock.monotonic() - began) * 1000)
        raise _Undone

    for _ in range(CLAIMS):
        try:
            db.write_now(take)
        except _Undone:
            continue
    return median(took)


def _analyse(db: Database) -> None:
    """What PostgreSQL does by itself within a minute."""
    if db.dialect == "postgresql":
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text("vacuum analyze automation_jobs"))


def _fill(db: Database, count: int, row: Callable[[int], dict[str, object]]) -> None:
    for start in range(0, count, SLICE):
        rows = [row(number) for number in range(start, min(count, start + SLICE))]
        db.write_now(lambda conn, rows=rows: conn.execute(insert(jobs), rows))  # type: ignore[misc]


def _row(**more: object) -> dict[str, object]:
    now = clock.now()
    plain = {"type": NO_OP, "data": {}, "priority": Lane.FOLLOW_UP, "run_at": now, "head": True, "key": None}
    return {**plain, "status": "pending", "created_at": now, "max_retries": 3, "completed_at": None, **more}


def _pending(number: int) -> dict[str, object]:
    return _row()


def _finished(number: int) -> dict[str, object]:
    return _row(status="completed", completed_at=clock.now())


def _timer(number: int) -> dict[str, object]:
    """Not due yet, and of a better lane than what is."""
    return _row(priority=Lane.INBOUND, run_at=clock.now() + timedelta(days=1))


def _of_one_key(number: int) -> dict[str, object]:
    return _row(key="busy", head=number == 0)
