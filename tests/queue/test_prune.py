"""Finished jobs leave in batches when their time has come; what ended in each minute stays counted."""

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text

from leadkeeper import clock
from leadkeeper.queue import minutes, prune
from leadkeeper.queue.cancel import cancel
from leadkeeper.queue.leases import take_orphans
from leadkeeper.queue.outcomes import Cancel, Done, Fail, Retry
from leadkeeper.queue.prune import KEPT, Pruned
from leadkeeper.queue.retry import redrive
from leadkeeper.queue.stats import throughput
from leadkeeper.store.schema import job_minutes, jobs
from tests.queue.conftest import Queue, at, plain, plans


def ended(queue: Queue, status: str, days: float, count: int = 1) -> None:
    """Jobs that ended so many days ago."""
    then = clock.now() - timedelta(days=days)
    row = {"type": "noop", "data": {}, "status": status, "run_at": then, "head": True, "created_at": then, "completed_at": then}
    queue.do(lambda conn: conn.execute(insert(jobs), [row] * count))


def left(queue: Queue) -> list[tuple[str, int]]:
    query = select(jobs.c.status, func.count()).group_by(jobs.c.status).order_by(jobs.c.status)
    return [tuple(row) for row in queue.db.read_now(lambda conn: conn.execute(query).all())]


def test_done_jobs_leave_after_a_week_and_failed_ones_after_ninety_days(queue: Queue) -> None:
    for status, days in (("completed", 7.01), ("cancelled", 7.01), ("failed", 7.01), ("failed", 90.01)):
        ended(queue, status, days)
    for status, days in (("completed", 6.99), ("cancelled", 6.99), ("failed", 89.99)):
        ended(queue, status, days)
    queue.enqueue(plain(run_at=clock.now() - timedelta(days=365)))
    [held] = queue.claim(1)
    queue.enqueue(plain())

    pruned = queue.do(prune.prune, KEPT, 100, Pruned())

    assert (pruned.count, pruned.full) == (3, False)
    assert left(queue) == [("cancelled", 1), ("completed", 1), ("failed", 2), ("pending", 1), ("processing", 1)]
    assert queue.row(held.id).status == "processing"


def test_a_batch_deletes_no_more_than_its_share_and_the_next_goes_on_behind_it(queue: Queue) -> None:
    for days in (12, 11, 10):
        ended(queue, "completed", days)
        ended(queue, "failed", 100 + days)

    seen = [Pruned()]
    while len(seen) == 1 or seen[-1].full:
        seen.append(queue.do(prune.prune, KEPT, 2, seen[-1]))

    assert [each.count for each in seen] == [0, 2, 2, 2, 0]
    assert seen[1].done_from < clock.now() - timedelta(days=11) < seen[2].done_from
    assert seen[2].failed_from < clock.now() - timedelta(days=111) < seen[3].failed_from
    assert left(queue) == []


def test_the_errors_of_a_job_leave_with_it(queue: Queue) -> None:
    [job] = queue.enqueue(plain())
    [claimed] = queue.claim()
    with at(clock.now() - timedelta(days=91)):
        queue.finish((claimed, Fail("no")))
    assert queue.errors(job)

    queue.do(prune.prune, KEPT, 100, Pruned())

    assert left(queue) == [] and queue.errors(job) == []


def test_the_oldest_are_found_by_an_index_and_the_table_is_not_read_for_them(queue: Queue) -> None:
    ended(queue, "completed", 1, 5_000)
    ended(queue, "completed", 8, 50)
    analyse(queue)

    def look(conn: Any) -> str:
        return plans(conn, lambda: prune.prune(conn, KEPT, 1_000, Pruned()))

    plan = queue.do(look)
    assert "ix_jobs_finished" in plan
    assert "seq scan on automation_jobs" not in plan and "scan automation_jobs" not in plan


def analyse(queue: Queue) -> None:
    """What PostgreSQL does by itself within a minute."""
    if queue.db.dialect == "postgresql":
        with queue.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text("vacuum analyze automation_jobs"))


def test_whatever_ends_is_counted_in_its_minute(queue: Queue) -> None:
    ids = queue.enqueue(*(plain(n) for n in range(7)), plain(8, dedupe="twin"))
    a, b, c, d, e, f, _, twin = queue.claim()
    now = clock.now()

    with at(now - timedelta(minutes=3)):
        queue.finish((a, Done()), (b, Done()), (c, Fail("no")), (d, Cancel("not wanted")))
    with at(now):
        queue.finish((e, Retry("again")))
        queue.do(cancel, [ids[4]], "by a person")
        queue.enqueue(plain(9, dedupe="twin"))
        queue.finish((twin, Retry("again")))  # its twin ends as merged
        queue.finish((a, Done()), (f, Done()))  # the first one is late and counts for nothing

    assert totals(queue) == {minutes.minute_of(now - timedelta(minutes=3)): (2, 1, 1), minutes.minute_of(now): (1, 0, 2)}


def test_what_a_dead_worker_ends_is_counted_too(queue: Queue) -> None:
    queue.enqueue(plain())
    for _ in range(3):
        queue.claim(worker="dead")
        queue.do(take_orphans, ["dead"])
    assert totals(queue) == {}

    [job] = [row.id for row in queue.rows()]
    queue.do(cancel, [job], "by a person")

    assert list(totals(queue).values()) == [(0, 0, 1)]


def test_nothing_is_counted_of_a_transaction_that_is_rolled_back(queue: Queue) -> None:
    queue.enqueue(plain())
    [job] = queue.claim()

    def broken(conn: Any) -> None:
        raise ValueError("no")

    with pytest.raises(Exception, match="ValueError"):
        queue.finish((job, Done(then=broken)))

    assert totals(queue) == {}


def test_a_failure_that_is_queued_again_stays_a_failure_of_its_minute(queue: Queue) -> None:
    queue.enqueue(plain())
    [job] = queue.claim()
    queue.finish((job, Fail("no")))

    queue.do(redrive, [job.id])
    queue.done(*queue.claim())

    last = queue.db.read_now(throughput, 5)
    assert (sum(each.failed for each in last), sum(each.completed for each in last)) == (1, 1)


def test_the_minutes_stay_when_their_jobs_leave(queue: Queue) -> None:
    queue.enqueue(plain(1), plain(2))
    claimed = queue.claim()
    with at(clock.now() - timedelta(days=8)):
        queue.done(*claimed)
    counted = totals(queue)

    queue.do(prune.prune, KEPT, 100, Pruned())
    queue.do(minutes.fold)

    assert left(queue) == []
    assert totals(queue) == counted != {}


def test_what_is_over_becomes_one_row_a_minute_and_is_forgotten_after_ninety_days(queue: Queue) -> None:
    now = clock.now()
    with at(now - timedelta(days=91)):
        count_beside_each_other(queue, 1)
    for minutes_ago in (5, 0):
        with at(now - timedelta(minutes=minutes_ago)):
            count_beside_each_other(queue, 4)

    for _ in range(2):
        queue.do(minutes.fold)

    assert list(totals(queue).values()) == [(4, 4, 0), (4, 4, 0)]
    older = select(job_minutes.c.part).where(job_minutes.c.minute < minutes.minute_of(now - timedelta(minutes=2)))
    assert queue.db.read_now(lambda conn: conn.execute(older).scalars().all()) == [0]


def count_beside_each_other(queue: Queue, threads: int) -> None:
    """Several connections at once: on PostgreSQL each has a part of its own, and none waits for another."""
    all_inside = threading.Barrier(threads if queue.db.dialect == "postgresql" else 1)

    def one(conn: Any) -> None:
        minutes.count(conn, completed=1, failed=1)
        all_inside.wait(10)

    working = [threading.Thread(target=queue.do, args=(one,)) for _ in range(threads)]
    for each in working:
        each.start()
    for each in working:
        each.join()


def totals(queue: Queue) -> dict[datetime, tuple[int, int, int]]:
    sums = [func.sum(job_minutes.c[name]) for name in ("completed", "failed", "cancelled")]
    query = select(job_minutes.c.minute, *sums).group_by(job_minutes.c.minute).order_by(job_minutes.c.minute)
    return {row[0]: tuple(row[1:]) for row in queue.db.read_now(lambda conn: conn.execute(query).all())}
