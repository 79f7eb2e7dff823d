"""The report counts the queue's statistics by other means than the queue, and comes to the same."""

from datetime import timedelta

from sqlalchemy import Connection, insert

from leadkeeper import clock
from leadkeeper.cli.proof import counted
from leadkeeper.cli.proof.counted import Spans
from leadkeeper.queue import stats
from leadkeeper.store.database import Database
from leadkeeper.store.schema import jobs

MS = timedelta(milliseconds=1)


def fill(conn: Connection) -> None:
    """Jobs of every kind; ten ended at the same moment."""
    now = clock.now()
    states = ["completed"] * 30 + ["failed"] * 5 + ["cancelled"] * 3 + ["pending"] * 7
    for place, status in enumerate(states):
        ended = status in ("completed", "failed", "cancelled")
        run_at = now + timedelta(hours=1) if place == len(states) - 1 else now - (1000 + place) * MS
        row = {
            "type": "purge", "data": {}, "status": status, "run_at": run_at, "head": True, "created_at": now - 2000 * MS,
            "started_at": run_at + place * MS if ended else None,
            "completed_at": run_at + max(3 * place, 30) * MS if ended else None,
        }  # fmt: skip
        conn.execute(insert(jobs).values(**row))


def test_both_ways_of_counting_agree(db: Database) -> None:
    db.write_now(fill)

    told, found = db.read_now(stats.counts), db.read_now(counted.of_jobs)

    assert {name: getattr(told, name) for name in found.by_status} == dict(found.by_status)
    assert told.scheduled == found.scheduled == 1
    assert found.oldest_due is not None
    for share, wait, run in ((0.5, told.wait_p50_ms, told.run_p50_ms), (0.95, told.wait_p95_ms, told.run_p95_ms)):
        assert found.waits.bounds(share) == [wait, wait]
        assert found.runs.bounds(share) == [run, run]


def test_nothing_ended_has_no_quantile(db: Database) -> None:
    assert db.read_now(counted.of_jobs).waits.bounds(0.5) == []


def test_jobs_at_the_edge_make_a_span_of_what_may_be_right() -> None:
    spans = Spans(surely=[1.0, 9.0], edge=[2.0, 3.0, 8.0], room=1)

    assert spans.bounds(0.5) == [2.0, 8.0]
