"""What people do to jobs: cancel, queue again, halt an account and let it go on."""

from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.queue.cancel import cancel, cancel_key
from leadkeeper.queue.jobs import Job
from leadkeeper.queue.outcomes import Fail
from leadkeeper.queue.retry import backoff, redrive
from leadkeeper.queue.scopes import is_parked, park, unpark
from leadkeeper.store import settings_rows
from tests.queue.conftest import Queue, plain


def never(conn: Connection, ctx: object) -> Any:
    raise AssertionError


def failed(queue: Queue, *wanted: Job) -> list[int]:
    ids = queue.enqueue(*wanted)
    while claimed := queue.claim():
        queue.finish(*((job, Fail("no")) for job in claimed))
    return ids


def test_a_cancelled_head_lets_the_next_in_and_settles_its_business(queue: Queue, types: Any) -> None:
    types("careful", when_failed=lambda conn, job, error: settings_rows.save(conn, f"settled {job.id}", error))(never)
    first, second = queue.enqueue(Job("careful", {}, key="k"), Job("careful", {}, key="k"))

    assert queue.do(cancel, [first], "not wanted") == [first]

    assert queue.row(first).status == "cancelled"
    assert queue.db.read_now(settings_rows.get, f"settled {first}") == "not wanted"
    assert [job.id for job in queue.claim()] == [second]


def test_cancelling_a_running_job_asks_and_a_finished_one_is_left_alone(queue: Queue) -> None:
    [job_id] = queue.enqueue(plain())
    [job] = queue.claim()

    assert queue.do(cancel, [job_id], "stop") == [job_id]
    assert queue.row(job_id).cancel_requested
    queue.done(job)

    assert queue.do(cancel, [job_id], "stop") == []
    assert queue.row(job_id).status == "completed"


def test_cancel_key_takes_back_what_waits_of_these_types_and_settles_nothing(queue: Queue, types: Any) -> None:
    types("reply", when_failed=lambda conn, job, error: settings_rows.save(conn, "settled", True))(never)
    running, waiting, other = queue.enqueue(Job("reply", {}, key="k"), Job("reply", {}, key="k"), plain(key="k"))
    queue.claim(1)

    assert queue.do(cancel_key, "k", ["reply"], "person took over") == [waiting]

    assert [queue.row(job_id).status for job_id in (running, waiting, other)] == ["processing", "cancelled", "pending"]
    assert queue.db.read_now(settings_rows.get, "settled") is None


def test_redrive_gives_fresh_tries_and_undoes_what_failing_did(queue: Queue, types: Any) -> None:
    types("careful", retries=0, when_redriven=lambda conn, job: settings_rows.save(conn, f"again {job.id}", True))(never)
    [job_id] = failed(queue, Job("careful", {}))

    assert queue.do(redrive, [job_id]) == [job_id]

    row = queue.row(job_id)
    assert (row.status, row.attempts, row.error, row.completed_at) == ("pending", 0, None, None)
    assert queue.db.read_now(settings_rows.get, f"again {job_id}") is True
    [again] = queue.claim()
    assert again.claim == 2  # the fence goes on growing


def test_redrive_takes_the_old_place_in_the_order_of_its_key(queue: Queue) -> None:
    [old] = failed(queue, plain(key="k"))
    running, waiting = queue.enqueue(plain(key="k"), plain(key="k"))
    [job] = queue.claim()

    queue.do(redrive, [old])
    queue.done(job)

    assert job.id == running
    assert [claimed.id for claimed in queue.claim()] == [old]
    assert queue.row(waiting).status == "pending"


def test_redrive_leaves_everything_else_alone_and_revives_one_of_twins(queue: Queue) -> None:
    one, two = failed(queue, plain(dedupe="d"))[0], failed(queue, plain(dedupe="d"))[0]
    [pending] = queue.enqueue(plain())

    assert queue.do(redrive, [one, two, pending, 4711]) == [one]

    assert queue.row(two).status == "failed"


def test_redrive_beside_a_pending_twin_ends_the_twin_as_merged(queue: Queue) -> None:
    [old] = failed(queue, plain(dedupe="d"))
    [twin] = queue.enqueue(plain(dedupe="d"))

    queue.do(redrive, [old])

    assert (queue.row(old).status, queue.row(twin).error) == ("pending", "merged")


def test_halting_a_scope_parks_its_jobs_and_those_to_come(queue: Queue) -> None:
    before, other = queue.enqueue(plain(scope="account:1"), plain(scope="account:2"))

    assert queue.do(park, "account:1") == 1
    [after] = queue.enqueue(plain(scope="account:1"))

    assert queue.db.read_now(is_parked, "account:1")
    assert [job.id for job in queue.claim()] == [other]
    assert queue.row(before).run_at == queue.row(after).run_at == clock.FAR

    assert queue.do(unpark, "account:1") == 2
    assert not queue.db.read_now(is_parked, "account:1")
    assert [job.id for job in queue.claim()] == [before, after]


def test_a_redriven_job_of_a_halted_scope_waits_parked(queue: Queue) -> None:
    [job_id] = failed(queue, plain(scope="account:1"))
    queue.do(park, "account:1")

    queue.do(redrive, [job_id])

    assert queue.row(job_id).run_at == clock.FAR


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 15), (2, 60), (3, 240), (4, 960), (5, 3600), (40, 3600)])
def test_back_off_grows_four_times_up_to_an_hour_give_or_take_a_fifth(attempt: int, seconds: int) -> None:
    waits = [backoff(attempt, Random(seed)).total_seconds() for seed in range(200)]

    assert seconds * 0.8 <= min(waits) < seconds < max(waits) <= seconds * 1.2


def test_back_off_counts_from_one() -> None:
    with pytest.raises(ValueError, match="counts from 1"):
        backoff(0, Random(0), timedelta(seconds=1))
