"""Leases: renewed by their holder, taken over when it is dead, never from a worker by itself."""

from datetime import timedelta
from typing import Any

from leadkeeper import clock
from leadkeeper.queue.cancel import cancel
from leadkeeper.queue.jobs import Claimed, Job
from leadkeeper.queue.leases import release, renew, rescue, take_orphans
from leadkeeper.queue.outcomes import Done
from leadkeeper.store import settings_rows
from tests.queue.conftest import LEASE, Queue, hours_later, plain


def lose(queue: Queue, times: int) -> list[Claimed]:
    """Claim and let the worker die, again and again."""
    from leadkeeper.queue.claim import Wanted, claim_lonely

    claims = []
    for n in range(times):
        with hours_later(n):
            [job] = queue.claim(worker=f"w{n}") or queue.do(claim_lonely, Wanted(f"w{n}", 1, None, LEASE)).jobs
        claims.append(job)
        with hours_later(n + 0.5):
            assert queue.do(rescue, "rescuer", []) == 1
    return claims


def test_a_renewed_lease_is_not_taken_over(queue: Queue) -> None:
    queue.enqueue(plain())
    [job] = queue.claim()

    with clock.use(lambda moment=clock.now() + LEASE * 0.9: moment):  # noqa: B008
        assert queue.do(renew, [(job.id, job.claim)], LEASE).held == [(job.id, job.claim)]
    with clock.use(lambda moment=clock.now() + LEASE * 1.5: moment):  # noqa: B008
        assert queue.do(rescue, "other", []) == 0


def test_renewing_tells_what_is_no_longer_ours_and_what_a_person_wants_stopped(queue: Queue) -> None:
    one, two = queue.enqueue(plain(), plain())
    first, second = queue.claim()
    queue.done(first)
    queue.do(cancel, [two], "stop")

    renewed = queue.do(renew, [(first.id, first.claim), (second.id, second.claim), (4711, 1)], LEASE)

    assert renewed.held == [(two, second.claim)]
    assert renewed.cancelled == [two]
    assert one == first.id


def test_a_lost_worker_uses_no_try_and_its_job_is_due_at_once(queue: Queue) -> None:
    [job_id] = queue.enqueue(plain(key="k"))

    lose(queue, 1)

    row = queue.row(job_id)
    assert (row.status, row.attempts, row.losses, row.head) == ("pending", 0, 1, True)
    assert queue.errors(job_id) == [("lost", "worker lost")]


def test_a_worker_never_takes_over_what_it_is_running_but_does_what_it_forgot(queue: Queue) -> None:
    queue.enqueue(plain(1), plain(2))
    one, two = queue.claim(worker="me")

    with hours_later(1):
        assert queue.do(rescue, "me", [one.id]) == 1

    assert [queue.row(job.id).status for job in (one, two)] == ["processing", "pending"]


def test_after_its_second_loss_a_job_is_not_claimed_with_others(queue: Queue) -> None:
    [job_id] = queue.enqueue(plain())
    lose(queue, 2)

    with hours_later(3):
        assert queue.claim() == []
    assert queue.row(job_id).losses == 2


def test_only_losses_while_alone_count_and_in_the_end_it_fails(queue: Queue, types: Any) -> None:
    settled = []

    @types("killer", when_failed=lambda conn, job, error: settled.append(error))
    def killer(conn: object, ctx: object) -> Any:
        raise AssertionError

    [job_id] = queue.enqueue(Job("killer", {}))

    lose(queue, 6)

    assert queue.row(job_id).status == "failed"
    assert settled == ["worker lost 6 times"]


def test_a_when_failed_that_raises_does_not_keep_others_from_being_rescued(queue: Queue, types: Any) -> None:
    def boom(conn: Any, job: Claimed, error: str) -> None:
        settings_rows.save(conn, "half", True)
        raise ValueError("cannot")

    @types("killer", when_failed=boom)
    def killer(conn: object, ctx: object) -> Any:
        raise AssertionError

    bad, good = queue.enqueue(Job("killer", {}), plain())
    queue.claim()
    queue.do(cancel, [bad], "stop it")

    with hours_later(1):
        assert queue.do(rescue, "other", []) == 2

    assert [queue.row(job_id).status for job_id in (bad, good)] == ["cancelled", "pending"]
    assert queue.db.read_now(settings_rows.get, "half") is None


def test_a_released_job_is_as_if_never_claimed_except_for_the_fence(queue: Queue) -> None:
    [job_id] = queue.enqueue(plain())
    [job] = queue.claim()

    assert queue.do(release, [(job.id, job.claim), (4711, 1)]) == 1

    row = queue.row(job_id)
    assert (row.status, row.attempts, row.claim, row.losses, row.error) == ("pending", 0, 1, 0, None)
    assert queue.finish((job, Done())).late != []


def test_orphans_are_taken_over_whatever_their_leases_say(queue: Queue) -> None:
    queue.enqueue(plain(), plain())
    queue.claim(1, worker="dead")
    queue.claim(1, worker="alive")

    assert queue.do(take_orphans, ["dead"]) == 1
    assert queue.do(take_orphans, []) == 0

    assert queue.statuses() == ["pending", "processing"]
    assert queue.row(1).run_at <= clock.now() + timedelta(0)
