"""The slots of a worker are shared: jobs nobody waits for never take those that inbound, replies and sends need."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, select

from leadkeeper import clock
from leadkeeper.queue.claim import Taken, Wanted, claim
from leadkeeper.queue.enqueue import enqueue_all
from leadkeeper.queue.jobs import BULK_FROM, Claimed, Job, Lane
from leadkeeper.queue.shares import BULK, Shares, sharers
from leadkeeper.store.schema import jobs
from leadkeeper.worker.held import Held, Lease
from tests.queue.conftest import LEASE, Queue, plain

LANES = st.sampled_from(list(Lane))
SCOPES = st.sampled_from([None, "a", "b"])


def test_bulk_takes_a_slot_only_while_more_are_free_than_it_has(queue: Queue) -> None:
    queue.enqueue(*(plain(n, priority=Lane.BULK) for n in range(20)), *(plain(n, priority=Lane.INBOUND) for n in range(8)))
    shares = Shares(16, {})

    taken = queue.do(claim, Wanted("w", 16, None, LEASE, shares)).jobs
    more = queue.do(claim, Wanted("w", 4, None, LEASE, shares)).jobs

    assert [job.priority for job in taken] == [Lane.INBOUND] * 8 + [Lane.BULK] * 4
    assert (more, shares.free) == ([], 4), "the other half of what is left stays free"


def test_an_account_never_gets_the_last_half_of_what_the_others_leave(queue: Queue) -> None:
    now = clock.now()
    queue.enqueue(*(send(n, "slow", now - timedelta(minutes=1)) for n in range(50)))
    queue.enqueue(*(send(n, "slower", now - timedelta(seconds=30)) for n in range(50)), send(1, "well", now))

    taken = queue.do(claim, Wanted("w", 40, None, LEASE, Shares(40, {}))).jobs

    assert Counter(job.scope for job in taken) == {"slow": 20, "slower": 10, "well": 1}
    left = [row for row in queue.rows() if row.status == "pending"]
    assert {(row.attempts, row.worker, row.lease_until) for row in left} == {(0, None, None)}
    full = Shares(9, {"slow": 20, "slower": 10, "well": 1})
    assert [job.scope for job in queue.do(claim, Wanted("w", 9, 9, LEASE, full)).jobs] == []


def test_bulk_that_found_no_room_does_not_keep_the_worker_awake(queue: Queue) -> None:
    later = clock.now() + timedelta(minutes=1)
    queue.enqueue(plain(priority=Lane.BULK), plain(priority=Lane.INBOUND, run_at=later))

    taken = queue.do(claim, Wanted("w", 10, 0, LEASE, full_of_bulk()))

    assert taken == Taken([], later)


def test_where_bulk_has_no_room_the_tenth_slot_goes_to_the_urgent_lane_that_has_waited_longest(queue: Queue) -> None:
    long_ago = clock.now() - timedelta(hours=1)
    queue.enqueue(plain(1, priority=Lane.REPLY, run_at=long_ago), plain(2, priority=Lane.BULK, run_at=long_ago))
    queue.enqueue(*(plain(n, priority=Lane.INBOUND) for n in range(30)))

    [tenth] = queue.do(claim, Wanted("w", 1, 9, LEASE, full_of_bulk())).jobs

    assert tenth.priority == Lane.REPLY


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    waiting=st.lists(st.tuples(LANES, SCOPES, st.integers(0, 90)), max_size=30),
    slots=st.integers(1, 15),
    held=st.dictionaries(st.sampled_from([BULK, "a", "b"]), st.integers(0, 8)),
    more=st.integers(0, 5),
    before=st.none() | st.integers(0, 25),
)
def test_no_claim_takes_more_than_its_shares_nor_leaves_what_it_may_take(
    queue: Queue,
    waiting: list[tuple[Lane, str | None, int]],
    slots: int,
    held: dict[str, int],
    more: int,
    before: int | None,
) -> None:
    now = clock.now()
    shares = Shares(slots + more, held)

    def afresh(conn: Connection) -> tuple[list[Claimed], list[Any]]:
        conn.execute(delete(jobs))
        made = (
            plain(n, priority=lane, run_at=now - timedelta(minutes=age), scope=scope)
            for n, (lane, scope, age) in enumerate(waiting)
        )
        enqueue_all(conn, list(made))
        taken = claim(conn, Wanted("w", slots, before, LEASE, shares)).jobs
        return taken, list(conn.execute(select(jobs).where(jobs.c.status == "pending")))

    taken, left = queue.do(afresh)

    assert len(taken) <= slots and len(taken) + len(left) == len(waiting)
    has = Counter(held)
    for job in taken:
        has.update(sharers(job))
    for name, count in has.items():
        assert count <= max(held.get(name, 0), (slots + more + held.get(name, 0) + 1) // 2)
    if len(taken) < slots:
        for row in left:
            names = ([BULK] if row.priority >= BULK_FROM else []) + ([row.scope] if row.scope else [])
            assert any(has[name] >= shares.free for name in names), "it has no share that is used up, and was left"


@given(st.lists(st.tuples(st.sampled_from(["add", "again", "drop", "late"]), st.integers(1, 8), LANES), max_size=60))
def test_what_a_worker_holds_is_counted_by_kind_whatever_comes_and_goes(acts: list[tuple[str, int, Lane]]) -> None:
    held = Held()
    ours: dict[int, Claimed] = {}

    for act, job_id, lane in acts:
        job = ours.get(job_id)
        if act == "add" and job is None:
            job = claimed(job_id, lane)
            held.add([job], Lease.beginning_now(LEASE))
            ours[job_id] = job
        elif act == "again" and job is not None:  # it was lost to another worker and came back before its first end did
            ours[job_id] = job._replace(claim=job.claim + 1)
            held.add([ours[job_id]], Lease.beginning_now(LEASE))
            held.drop(job)
        elif act == "drop" and job is not None:
            held.drop(job)
            del ours[job_id]
        elif act == "late" and job is not None:
            held.drop(claimed(job_id, lane, claim=99))

    assert (len(held), held.shared[BULK]) == (len(ours), sum(job.bulk for job in ours.values()))


def claimed(job_id: int, lane: Lane, claim: int = 1) -> Claimed:
    now = clock.now()
    return Claimed(job_id, "noop", {}, None, lane, 1, claim, 3, 0, None, now, now)


def full_of_bulk() -> Shares:
    return Shares(10, {BULK: 10})


def send(number: int, scope: str, run_at: datetime) -> Job:
    return plain(number, priority=Lane.REPLY, scope=scope, run_at=run_at)
