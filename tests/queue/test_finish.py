"""What a job came to is recorded once, by whoever still holds it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.queue import finish as finishing
from leadkeeper.queue.endings import EffectRaised
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.finish import Result
from leadkeeper.queue.jobs import Claimed, Job
from leadkeeper.queue.leases import release, rescue
from leadkeeper.queue.outcomes import Cancel, Done, Fail, Retry, Snooze
from leadkeeper.queue.scopes import park, unpark
from leadkeeper.store import settings_rows
from tests.queue.conftest import BASE, Queue, at, hours_later, plain


def steal(queue: Queue, job: Claimed) -> Claimed:
    """The worker seems dead: another one takes the job over."""
    with hours_later(1):
        assert queue.do(rescue, "w2", []) == 1
        [again] = queue.claim(worker="w2")
    assert again.id == job.id
    return again


def note(name: str) -> Any:
    return lambda conn: settings_rows.save(conn, name, True)


def noted(queue: Queue) -> set[str]:
    return set(queue.db.read_now(settings_rows.load))


def test_done_completes_and_writes_its_effects_in_the_same_transaction(queue: Queue) -> None:
    queue.enqueue(plain())
    [job] = queue.claim()

    finished = queue.finish((job, Done(then=note("effect"))))

    row = queue.row(job.id)
    assert (row.status, row.lease_until, finished.completed) == ("completed", None, 1)
    assert row.completed_at is not None
    assert "effect" in noted(queue)


@pytest.mark.parametrize(
    "outcome", [Done(note("late")), Retry("x", then=note("late")), Fail("x", note("late")), Cancel("x", note("late"))]
)
def test_a_late_result_changes_nothing_and_is_counted(queue: Queue, outcome: Any) -> None:
    queue.enqueue(plain(key="k"))
    [job] = queue.claim()
    again = steal(queue, job)

    finished = queue.finish((job, outcome))

    assert [result.job for result in finished.late] == [job]
    row = queue.row(job.id)
    assert (row.status, row.worker, row.claim) == ("processing", "w2", again.claim)
    assert "late" not in noted(queue)
    assert ("late", f"dropped: {type(outcome).__name__}") in queue.errors(job.id)
    assert queue.done(again).late == []


def test_a_result_counts_once(queue: Queue) -> None:
    queue.enqueue(plain())
    [job] = queue.claim()
    queue.done(job)

    assert len(queue.finish((job, Fail("again"))).late) == 1
    assert queue.row(job.id).status == "completed"


def test_retry_waits_four_times_longer_each_time_and_fails_after_its_retries(queue: Queue) -> None:
    [job_id] = queue.enqueue(plain())
    waits = []
    now = clock.now()
    for _ in range(4):
        with at(now):
            [job] = queue.claim()
            queue.finish((job, Retry("no luck")))
        row = queue.row(job_id)
        waits.append((row.run_at - now).total_seconds())
        now = row.run_at

    assert row.status == "failed" and row.error == "no luck"
    for wait, plan in zip(waits[:3], (15, 60, 240), strict=True):
        assert plan * 0.8 <= wait <= plan * 1.2
    assert queue.errors(job_id) == [("retry", "no luck")] * 3 + [("fail", "no luck")]


def test_a_type_that_is_tried_at_once_does_not_back_off(queue: Queue, types: Any) -> None:
    @types("eager", at_once=True)
    def eager(conn: Connection, ctx: object) -> Any:
        raise AssertionError

    [job_id] = queue.enqueue(Job("eager", {}, key="in:1"))
    for _ in range(4):
        [job] = queue.claim()
        queue.finish((job, Retry("raised")))

    assert queue.row(job_id).status == "failed"


def test_a_retry_keeps_the_head_so_order_holds(queue: Queue) -> None:
    first, second = queue.enqueue(plain(1, key="k"), plain(2, key="k"))
    [job] = queue.claim()

    queue.finish((job, Retry("later")))

    assert queue.claim() == []
    assert queue.row(first).head and not queue.row(second).head


def test_a_snooze_gives_the_try_back(queue: Queue) -> None:
    [job_id] = queue.enqueue(plain())
    until = clock.now() + timedelta(minutes=2)
    [job] = queue.claim()

    queue.finish((job, Snooze(until, "quiet hours")))

    row = queue.row(job_id)
    assert (row.status, row.attempts, row.run_at, row.error) == ("pending", 0, until, "quiet hours")
    assert row.claim == 1


@pytest.mark.parametrize(("outcome", "status"), [(Done(), "completed"), (Fail("no"), "failed"), (Cancel("moot"), "cancelled")])
def test_every_end_promotes_the_next_of_its_key(queue: Queue, outcome: Any, status: str) -> None:
    first, second = queue.enqueue(plain(1, key="k"), plain(2, key="k"))
    [job] = queue.claim()

    queue.finish((job, outcome))

    assert queue.row(first).status == status
    assert [claimed.id for claimed in queue.claim()] == [second]


def test_what_an_effect_enqueues_with_its_own_key_stands_behind_those_who_wait(queue: Queue) -> None:
    _, second = queue.enqueue(plain(1, key="k"), plain(2, key="k"))
    [job] = queue.claim()

    queue.finish((job, Done(then=lambda conn: enqueue(conn, plain(3, key="k")))))

    assert [claimed.id for claimed in queue.claim()] == [second]


def test_when_failed_runs_in_the_failing_transaction(queue: Queue, types: Any) -> None:
    @types("careful", retries=0, when_failed=lambda conn, job, error: settings_rows.save(conn, f"failed {job.id}", error))
    def careful(conn: Connection, ctx: object) -> Any:
        raise AssertionError

    [job_id] = queue.enqueue(Job("careful", {}))
    [job] = queue.claim()

    queue.finish((job, Retry("out of tries")))

    assert queue.db.read_now(settings_rows.get, f"failed {job_id}") == "out of tries"


def test_an_effect_that_raises_names_its_job_and_nothing_is_kept(queue: Queue) -> None:
    def boom(conn: Connection) -> None:
        raise ValueError("boom")

    queue.enqueue(plain(1), plain(2))
    one, two = queue.claim()

    with pytest.raises(EffectRaised) as raised:
        queue.finish((one, Done()), (two, Done(then=boom)))

    assert raised.value.job == two
    assert queue.statuses() == ["processing", "processing"]


def test_one_that_returns_beside_a_pending_twin_ends_the_twin_as_merged(queue: Queue) -> None:
    [first] = queue.enqueue(plain(1, key="reply:1", dedupe="reply:1"))
    [job] = queue.claim()
    [twin, third] = queue.enqueue(plain(2, key="reply:1", dedupe="reply:1"), plain(3, key="reply:1"))

    queue.finish((job, Retry("model is down")))

    assert [queue.row(job_id).status for job_id in (first, twin, third)] == ["pending", "cancelled", "pending"]
    assert queue.row(twin).error == "merged"
    assert queue.row(first).head and not queue.row(third).head


@pytest.mark.parametrize("returns", ["rescued", "released", "tried again"])
def test_of_twins_that_both_ran_and_return_together_the_oldest_does(queue: Queue, returns: str) -> None:
    ran = []
    for number in range(3):
        queue.enqueue(plain(number, key=f"k{number}", dedupe="a"))
        ran += queue.claim()
    [follower] = queue.enqueue(plain(key="k1"))

    with hours_later(1):
        match returns:
            case "rescued":
                assert queue.do(rescue, "other", []) == 3
            case "released":
                assert queue.do(release, [(job.id, job.claim) for job in reversed(ran)]) == 3
            case _:
                assert queue.finish(*((job, Retry("model is down")) for job in ran)).late == []

    assert [queue.row(job.id).status for job in ran] == ["pending", "cancelled", "cancelled"]
    assert {queue.row(job.id).error for job in ran[1:]} == {"merged"}
    assert queue.row(follower).head
    assert len(queue.done(*ran).late) == 3


def test_a_released_one_and_a_rescued_one_merge_their_twins_too(queue: Queue) -> None:
    queue.enqueue(plain(1, dedupe="a"), plain(2, dedupe="b"))
    a, b = queue.claim()
    queue.enqueue(plain(3, dedupe="a"), plain(4, dedupe="b"))

    assert queue.do(release, [(a.id, a.claim)]) == 1
    with hours_later(1):
        assert queue.do(rescue, "w2", []) == 1

    assert queue.statuses() == ["pending", "pending", "cancelled", "cancelled"]
    assert queue.row(b.id).losses == 1


def test_one_of_a_halted_scope_returns_parked_and_one_that_asks_for_ever_does_not(queue: Queue) -> None:
    queue.enqueue(plain(1, scope="account:1"), plain(2, scope="account:2"))
    one, two = queue.claim()
    queue.do(park, "account:1")
    queue.do(park, "account:2")
    queue.do(unpark, "account:2")

    queue.finish((one, Snooze(clock.now(), "halted")), (two, Snooze(clock.FAR, "halted")))

    assert queue.row(one.id).run_at == clock.FAR
    assert [job.id for job in queue.claim()] == [two.id]


def test_a_job_a_person_cancelled_does_not_return(queue: Queue, types: Any) -> None:
    from leadkeeper.queue.cancel import cancel

    settled = []

    @types("careful", when_failed=lambda conn, job, error: settled.append(job.id))
    def careful(conn: Connection, ctx: object) -> Any:
        raise AssertionError

    [job_id] = queue.enqueue(Job("careful", {}))
    [job] = queue.claim()
    queue.do(cancel, [job_id], "not wanted")

    queue.finish((job, Retry("try again")))

    assert queue.row(job_id).status == "cancelled"
    assert settled == [job_id]


def test_many_results_of_every_kind_are_recorded_together(queue: Queue) -> None:
    queue.enqueue(*(plain(n, key=f"k{n}" if n % 3 else None) for n in range(60)))
    claimed = queue.claim()
    ends = [Done(), Retry("r"), Snooze(clock.now(), "s"), Fail("f"), Cancel("c")]

    queue.do(finishing.finish, [Result(job, ends[n % 5]) for n, job in enumerate(claimed)], BASE)

    by_job = {job.id: ends[n % 5] for n, job in enumerate(claimed)}
    want = {Done: "completed", Retry: "pending", Snooze: "pending", Fail: "failed", Cancel: "cancelled"}
    assert {row.id: row.status for row in queue.rows()} == {job_id: want[type(end)] for job_id, end in by_job.items()}


def test_errors_are_stored_whatever_they_hold(queue: Queue) -> None:
    queue.enqueue(plain())
    [job] = queue.claim()

    queue.finish((job, Fail("nul \x00 lone \ud800 " + "x" * 9_000)))

    assert queue.row(job.id).status == "failed"
    assert len(queue.row(job.id).error) <= 4_000


def test_what_is_no_outcome_is_refused_and_the_job_stays_claimed(queue: Queue) -> None:
    queue.enqueue(plain())
    [job] = queue.claim()

    with pytest.raises(TypeError, match="is no outcome"):
        queue.do(finishing.finish, [Result(job, "done")], BASE)

    assert queue.statuses() == ["processing"]
