"""The slots of a worker are shared: jobs nobody waits for never take those that inbound, replies and sends need."""

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete

from leadkeeper import clock
from leadkeeper.queue.claim import Taken, Wanted, claim
from leadkeeper.queue.enqueue import enqueue_all
from leadkeeper.queue.jobs import BULK_FROM, Claimed, Lane
from leadkeeper.store.schema import jobs
from leadkeeper.worker.held import Held, Lease
from tests.queue.conftest import LEASE, Queue, plain

LANES = st.sampled_from(list(Lane))


def test_bulk_gets_its_share_and_the_urgent_all_the_rest(queue: Queue) -> None:
    queue.enqueue(*(plain(n, priority=Lane.BULK) for n in range(20)), *(plain(n, priority=Lane.INBOUND) for n in range(8)))

    taken = queue.do(claim, Wanted("w", 10, None, LEASE, bulk=5)).jobs
    more = queue.do(claim, Wanted("w", 10, None, LEASE, bulk=5)).jobs

    assert [job.priority for job in taken] == [Lane.INBOUND] * 8 + [Lane.BULK] * 2
    assert [job.priority for job in more] == [Lane.BULK] * 5


def test_bulk_that_found_no_room_does_not_keep_the_worker_awake(queue: Queue) -> None:
    later = clock.now() + timedelta(minutes=1)
    queue.enqueue(plain(priority=Lane.BULK), plain(priority=Lane.INBOUND, run_at=later))

    taken = queue.do(claim, Wanted("w", 10, 0, LEASE, bulk=0))

    assert taken == Taken([], later)


def test_where_bulk_has_no_room_the_tenth_slot_goes_to_the_urgent_lane_that_has_waited_longest(queue: Queue) -> None:
    long_ago = clock.now() - timedelta(hours=1)
    queue.enqueue(plain(1, priority=Lane.REPLY, run_at=long_ago), plain(2, priority=Lane.BULK, run_at=long_ago))
    queue.enqueue(*(plain(n, priority=Lane.INBOUND) for n in range(30)))

    [tenth] = queue.do(claim, Wanted("w", 1, 9, LEASE, bulk=0)).jobs

    assert tenth.priority == Lane.REPLY


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    waiting=st.lists(st.tuples(LANES, st.integers(0, 90)), max_size=30),
    slots=st.integers(1, 15),
    bulk=st.integers(0, 15),
    before=st.none() | st.integers(0, 25),
)
def test_no_claim_takes_more_than_its_shares_nor_leaves_what_it_may_take(
    queue: Queue, waiting: list[tuple[Lane, int]], slots: int, bulk: int, before: int | None
) -> None:
    now = clock.now()

    def afresh(conn: Connection) -> list[Claimed]:
        conn.execute(delete(jobs))
        made = (plain(n, priority=lane, run_at=now - timedelta(minutes=age)) for n, (lane, age) in enumerate(waiting))
        enqueue_all(conn, list(made))
        return claim(conn, Wanted("w", slots, before, LEASE, bulk)).jobs

    taken = queue.do(afresh)

    tenths = 0 if before is None else (before + slots) // 10 - before // 10
    urgent_due = sum(lane < BULK_FROM for lane, _ in waiting)
    bulk_due = len(waiting) - urgent_due
    bulk_taken = sum(job.bulk for job in taken)
    urgent_taken = len(taken) - bulk_taken
    assert len(taken) <= slots and bulk_taken <= bulk
    assert len(taken) == min(slots, urgent_due + min(bulk_due, bulk))
    assert urgent_taken >= min(urgent_due, slots - min(tenths, bulk))


@given(st.lists(st.tuples(st.sampled_from(["add", "drop", "late"]), st.integers(1, 8), LANES), max_size=60))
def test_what_a_worker_holds_is_counted_by_kind_whatever_comes_and_goes(acts: list[tuple[str, int, Lane]]) -> None:
    held = Held()
    ours: dict[int, Claimed] = {}

    for act, job_id, lane in acts:
        job = ours.get(job_id)
        if act == "add" and job is None:
            job = claimed(job_id, lane)
            held.add([job], Lease.beginning_now(LEASE))
            ours[job_id] = job
        elif act == "drop" and job is not None:
            held.drop(job)
            del ours[job_id]
        elif act == "late" and job is not None:
            held.drop(claimed(job_id, lane, claim=99))

    assert (len(held), held.bulk) == (len(ours), sum(job.bulk for job in ours.values()))


def claimed(job_id: int, lane: Lane, claim: int = 1) -> Claimed:
    now = clock.now()
    return Claimed(job_id, "noop", {}, None, lane, 1, claim, 3, 0, None, now, now)
