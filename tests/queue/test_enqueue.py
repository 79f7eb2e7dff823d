"""Jobs come in once, in order, and stand behind those of their key."""

from datetime import timedelta

from leadkeeper import clock
from leadkeeper.queue.enqueue import enqueue, postpone
from leadkeeper.queue.jobs import Job
from leadkeeper.queue.outcomes import Retry
from leadkeeper.store.signals import take
from tests.queue.conftest import Queue, plain


def test_ids_come_back_in_the_order_given_whatever_the_mix(queue: Queue) -> None:
    ids = queue.enqueue(
        *(plain(n, key=f"k{n % 3}" if n % 2 else None, dedupe=f"d{n}" if n % 5 == 0 else None) for n in range(40))
    )

    assert [queue.row(job_id).data["n"] for job_id in ids] == list(range(40))


def test_jobs_of_one_key_get_rising_ids_and_only_the_first_is_head(queue: Queue) -> None:
    ids = queue.enqueue(plain(0, key="a"), plain(1, key="a", dedupe="x"), plain(2, key="a"), plain(3, key="a", dedupe="y"))

    assert ids == sorted(ids)
    assert [queue.row(job_id).head for job_id in ids] == [True, False, False, False]


def test_a_pending_dedupe_is_returned_not_stored_again(queue: Queue) -> None:
    first = queue.enqueue(plain(1, dedupe="d"))

    again = queue.enqueue(plain(2, dedupe="d"), plain(3, dedupe="d"))

    assert again == first * 2
    assert len(queue.rows()) == 1


def test_a_dedupe_is_unique_among_pending_only(queue: Queue) -> None:
    [first] = queue.enqueue(plain(1, dedupe="d"))
    queue.claim()

    [second] = queue.enqueue(plain(2, dedupe="d"))

    assert second != first


def test_twins_within_one_call_are_one_job(queue: Queue) -> None:
    one, other, third = queue.enqueue(plain(1, dedupe="d", key="k"), plain(2, key="k"), plain(3, dedupe="d", key="k"))

    assert one == third != other


def test_one_job_that_meets_its_pending_twin_is_that_twin(queue: Queue) -> None:
    first = queue.do(enqueue, plain(key="k", dedupe="d"))

    assert queue.do(enqueue, plain(key="k", dedupe="d")) == first
    assert queue.do(enqueue, plain(key="other", dedupe="d")) == first
    assert queue.do(enqueue, plain(key="k", dedupe="e")) > first


def test_postpone_moves_a_pending_job_later_and_never_earlier(queue: Queue) -> None:
    soon, late = clock.now() + timedelta(seconds=5), clock.now() + timedelta(seconds=60)
    [job_id] = queue.enqueue(plain(dedupe="d", run_at=soon))

    assert queue.do(postpone, {"d": late}) == {"d"}
    assert queue.do(postpone, {"d": soon, "none": soon}) == {"d"}

    assert queue.row(job_id).run_at == late


def test_postpone_never_brings_a_back_off_forward_and_knows_no_job_that_is_not_pending(queue: Queue) -> None:
    [job_id] = queue.enqueue(plain(dedupe="d"))
    [claimed] = queue.claim()
    assert queue.do(postpone, {"d": clock.now()}) == set()
    queue.finish((claimed, Retry("later", after=timedelta(minutes=5))))
    waits_until = queue.row(job_id).run_at

    queue.do(postpone, {"d": clock.now() + timedelta(seconds=3)})

    assert queue.row(job_id).run_at == waits_until


def test_enqueue_signals_jobs(queue: Queue) -> None:
    def topics(conn):  # type: ignore[no-untyped-def]
        enqueue(conn, plain())
        return take(conn)

    assert "jobs" in queue.do(topics)


def test_retries_come_from_the_job_then_its_type_then_three(queue: Queue, types) -> None:  # type: ignore[no-untyped-def]
    @types("stubborn", retries=7)
    def stubborn(conn, ctx):  # type: ignore[no-untyped-def]
        raise AssertionError

    ids = queue.enqueue(Job("stubborn", {}), Job("stubborn", {}, max_retries=1), Job("unheard_of", {}))

    assert [queue.row(job_id).max_retries for job_id in ids] == [7, 1, 3]


def test_nothing_to_enqueue_is_no_error(queue: Queue) -> None:
    assert queue.enqueue() == []
