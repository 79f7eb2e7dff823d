"""Statistics, lists and worker states equal the rows."""

from datetime import timedelta
from typing import Any

import pytest

from leadkeeper import clock
from leadkeeper.errors import Invalid, NotFound
from leadkeeper.queue import control
from leadkeeper.queue.control import WorkerRow
from leadkeeper.queue.failures import failures
from leadkeeper.queue.listing import JobFilter, job, list_jobs
from leadkeeper.queue.outcomes import Done, Fail, Retry
from leadkeeper.queue.scopes import park
from leadkeeper.queue.stats import counts, throughput
from tests.queue.conftest import Queue, at, hours_later, plain


def test_counts_equal_the_rows(queue: Queue) -> None:
    queue.enqueue(*(plain(n, priority=10) for n in range(6)))
    a, b, c, _ = queue.claim(4)
    queue.finish((a, Done()), (b, Done()), (c, Fail("no")))
    queue.enqueue(plain(run_at=clock.now() + timedelta(hours=1)), plain(scope="s"), plain(key="k"), plain(key="k"))
    queue.do(park, "s")

    stats = queue.db.read_now(counts)

    assert (stats.pending, stats.processing, stats.completed, stats.failed, stats.cancelled) == (6, 1, 2, 1, 0)
    assert stats.scheduled == 2  # one of the future, one parked
    assert stats.as_json()["oldestPendingSeconds"] == stats.oldest_pending_seconds


def test_the_oldest_pending_counts_due_rows_only_and_not_the_parked(queue: Queue) -> None:
    queue.enqueue(plain(run_at=clock.now() + timedelta(hours=1)), plain(scope="s", run_at=clock.now() - timedelta(hours=9)))
    queue.do(park, "s")
    assert queue.db.read_now(counts).oldest_pending_seconds is None

    queue.enqueue(
        plain(key="k", run_at=clock.now() + timedelta(hours=1)), plain(key="k", run_at=clock.now() - timedelta(seconds=90))
    )

    oldest = queue.db.read_now(counts).oldest_pending_seconds
    assert oldest is not None and 89 <= oldest <= 150


def test_waits_and_runs_are_taken_from_the_most_recent_jobs(queue: Queue) -> None:
    start = clock.now()
    with at(start):
        queue.enqueue(plain(1), plain(2))
    with at(start + timedelta(seconds=2)):
        one, two = queue.claim()
    with at(start + timedelta(seconds=3)):
        queue.done(one)
    with at(start + timedelta(seconds=12)):
        queue.done(two)

    stats = queue.db.read_now(counts)

    assert (stats.wait_p50_ms, stats.wait_p95_ms) == (2_000, 2_000)
    assert (stats.run_p50_ms, stats.run_p95_ms) == (1_000, 10_000)


def test_an_empty_queue_has_no_percentiles(queue: Queue) -> None:
    assert queue.db.read_now(counts).wait_p50_ms is None


def test_throughput_has_every_minute_and_what_ended_in_it(queue: Queue) -> None:
    queue.enqueue(plain(1), plain(2), plain(3))
    one, two, three = queue.claim()
    now = clock.now()
    with at(now - timedelta(minutes=2)):
        queue.finish((one, Done()), (two, Fail("no")))
    with at(now):
        queue.done(three)
        minutes = queue.db.read_now(throughput, 5)

    assert [(minute.completed, minute.failed) for minute in minutes] == [(0, 0), (0, 0), (1, 1), (0, 0), (1, 0)]


def test_the_list_is_paged_by_key_and_filtered(queue: Queue) -> None:
    ids = queue.enqueue(*(plain(n, key=f"k{n % 2}") for n in range(7)))
    [*claimed] = queue.claim()
    queue.finish((claimed[0], Fail("no")))

    page, following = queue.db.read_now(list_jobs, JobFilter(), None, 5)
    rest, end = queue.db.read_now(list_jobs, JobFilter(), following, 5)
    of_key, _ = queue.db.read_now(list_jobs, JobFilter(keys=["k1"]))
    broken, _ = queue.db.read_now(
        list_jobs, JobFilter(status="failed", type="noop", since=clock.now() - timedelta(hours=1), error="no")
    )

    assert [view.id for view in page + rest] == sorted(ids, reverse=True) and end is None
    assert {view.key for view in of_key} == {"k1"}
    assert [view.id for view in broken] == [claimed[0].id]
    assert broken[0].can_retry and not broken[0].can_cancel
    assert queue.db.read_now(list_jobs, JobFilter(type="other"))[0] == []


def test_one_job_is_shown_with_the_error_of_each_try(queue: Queue) -> None:
    [job_id] = queue.enqueue(plain(scope="s"))
    [claimed] = queue.claim()
    queue.finish((claimed, Retry("first", after=timedelta(0))))
    queue.do(park, "s")

    view = queue.db.read_now(job, job_id)

    assert [(each.attempt, each.kind, each.error) for each in view.tries] == [(1, "retry", "first")]
    assert view.parked and view.can_cancel
    assert view.as_json()["runAt"] is None and view.as_json()["maxRetries"] == 3
    with pytest.raises(NotFound):
        queue.db.read_now(job, 4711)


def test_failures_are_grouped_by_type_and_error(queue: Queue) -> None:
    queue.enqueue(*(plain(n) for n in range(3)))
    one, two, three = queue.claim()
    queue.finish((one, Fail("a")), (two, Fail("b")), (three, Fail("b")))

    groups = queue.db.read_now(failures, clock.now() - timedelta(hours=1))

    assert {(group.error, group.count) for group in groups} == {("a", 1), ("b", 2)}
    assert next(list(group.ids) for group in groups if group.error == "b") == [three.id, two.id]


def test_failures_that_differ_in_a_number_of_ours_or_a_trace_stand_together_and_their_codes_apart(queue: Queue) -> None:
    queue.enqueue(*(plain(n) for n in range(6)))
    texts = [
        *("there is no lead 7", "there is no lead 12"),
        *("131026: 100% _refused_ (trace Aa1)", "131026: 100% _refused_ (trace Bb2)"),
        *("131049: 100% _refused_ (trace Cc3)", "131026: 100X Xrefused_ (trace Dd4)"),
    ]
    queue.finish(*((claimed, Fail(text)) for claimed, text in zip(queue.claim(), texts, strict=True)))

    groups = queue.db.read_now(failures, clock.now() - timedelta(hours=1))

    assert {(group.error, group.count, len(group.ids)) for group in groups} == {
        ("there is no lead …", 2, 2),
        ("131026: 100% _refused_ (trace …)", 2, 2),
        ("131049: 100% _refused_ (trace Cc3)", 1, 1),
        ("131026: 100X Xrefused_ (trace Dd4)", 1, 1),
    }
    shown, _ = queue.db.read_now(list_jobs, JobFilter(error="131026: 100% _refused_ (trace …)"))
    assert {each.error for each in shown} == {texts[2], texts[3]}


def beat(queue: Queue, worker: str = "w", state: str = "running") -> None:
    now = clock.now()
    queue.do(control.beat, WorkerRow(worker, "host", 1, "0", state, 0, 0, now, now))


def test_running_needs_a_fresh_beat_of_a_running_worker_and_the_wish(queue: Queue) -> None:
    def running() -> Any:
        return queue.db.read_now(control.is_running)

    assert not running()
    beat(queue)
    assert running()
    queue.do(control.choose, "stopped")
    assert not running()
    queue.do(control.choose, "running")
    assert running()
    beat(queue, state="stopped")
    assert not running()
    beat(queue)
    with hours_later(0.01):
        assert not running()
        assert queue.db.read_now(control.live_workers) == []


def test_starts_are_counted_and_a_boot_remembers_the_count_it_began_with(queue: Queue) -> None:
    assert queue.do(control.starts_at_boot, "boot 1") == 0
    queue.do(control.choose, "running")
    queue.do(control.choose, "running")

    assert queue.do(control.starts_at_boot, "boot 1") == 0
    assert queue.do(control.starts_at_boot, "boot 2") == 2
    assert queue.db.read_now(control.starts) == 2


def test_an_unknown_choice_is_refused(queue: Queue) -> None:
    with pytest.raises(Invalid):
        queue.do(control.choose, "sideways")


def test_signing_off_forgets_the_worker_and_those_long_silent(queue: Queue) -> None:
    with hours_later(-48):
        beat(queue, "old")
    beat(queue, "me")
    beat(queue, "other")

    queue.do(control.sign_off, "me")

    assert [worker.id for worker in queue.db.read_now(control.live_workers)] == ["other"]
