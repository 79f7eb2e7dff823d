"""What is due is taken, most urgent first, and what is not due costs nothing."""

from datetime import timedelta

from sqlalchemy import Connection, text

from leadkeeper import clock
from leadkeeper.queue.claim import Wanted, claim
from tests.queue.conftest import LEASE, Queue, plain, plans
from tests.statements import statements


def test_jobs_come_by_priority_then_time_then_id(queue: Queue) -> None:
    now = clock.now()
    for n, (priority, age) in enumerate([(50, 1), (10, 1), (50, 9), (0, 1), (10, 5)]):
        queue.enqueue(plain(n, priority=priority, run_at=now - timedelta(seconds=age)))

    assert [job.data["n"] for job in queue.claim()] == [3, 4, 1, 2, 0]


def test_one_slot_at_a_time_keeps_strict_priority(queue: Queue) -> None:
    queue.enqueue(*(plain(n, priority=priority) for n, priority in enumerate([80, 0, 50, 10, 20])))

    order = [queue.claim(1)[0].priority for _ in range(5)]

    assert order == [0, 10, 20, 50, 80]


def test_a_job_of_the_future_is_not_taken_and_tells_when_to_wake(queue: Queue) -> None:
    later = clock.now() + timedelta(minutes=1)
    queue.enqueue(plain(run_at=later))

    taken = queue.do(claim, Wanted("w", 10, None, LEASE))

    assert taken.jobs == []
    assert taken.next_at == later


def test_a_full_claim_tells_that_more_is_due(queue: Queue) -> None:
    queue.enqueue(plain(), plain())

    taken = queue.do(claim, Wanted("w", 1, None, LEASE))

    assert taken.next_at is not None and taken.next_at <= clock.now()


def test_only_the_head_of_a_key_is_taken(queue: Queue) -> None:
    first, _ = queue.enqueue(plain(key="k"), plain(key="k"))

    assert [job.id for job in queue.claim()] == [first]
    assert queue.claim() == []


def test_a_claim_counts_the_try_and_raises_the_fence(queue: Queue) -> None:
    [job_id] = queue.enqueue(plain())

    [job] = queue.claim()

    row = queue.row(job_id)
    assert (job.attempts, job.claim) == (row.attempts, row.claim) == (1, 1)
    assert row.status == "processing" and row.worker == "w1"
    assert row.lease_until > clock.now()


def test_every_tenth_slot_takes_the_oldest_due_job_of_any_lane(queue: Queue) -> None:
    now = clock.now()
    queue.enqueue(plain(99, priority=90, run_at=now - timedelta(hours=1)))
    queue.enqueue(*(plain(n, priority=10) for n in range(30)))

    [*first] = queue.claim(9, before=0)
    [*second] = queue.claim(1, before=9)

    assert {job.priority for job in first} == {10}
    assert [job.data["n"] for job in second] == [99]


def test_a_hundred_thousand_future_timers_of_a_better_lane_are_not_walked(queue: Queue) -> None:
    future = clock.now() + timedelta(days=1)
    for _ in range(4):
        queue.enqueue(*(plain(n, priority=10, run_at=future) for n in range(500)))
    [due] = queue.enqueue(plain(1, priority=50))

    def walk(conn: Connection) -> tuple[list[int], str]:
        if conn.dialect.name == "postgresql":
            conn.execute(text("analyze automation_jobs"))
        taken: list[int] = []
        plan = plans(conn, lambda: taken.extend(job.id for job in claim(conn, Wanted("w", 10, 0, LEASE)).jobs))
        return taken, plan

    taken, plan = queue.do(walk)

    assert taken == [due]
    assert "ix_jobs_ready" in plan
    assert "seq scan on automation_jobs" not in plan and "scan automation_jobs" not in plan.replace("index scan", "")
    assert "temp b-tree" not in plan


def test_a_lane_whose_first_job_is_in_the_future_is_not_asked(queue: Queue) -> None:
    queue.enqueue(*(plain(n, priority=10, run_at=clock.now() + timedelta(days=1)) for n in range(50)))
    queue.enqueue(plain(1, priority=50))
    asked: list[str] = []

    def watch(conn: Connection) -> None:
        with statements(conn) as seen:
            claim(conn, Wanted("w", 10, None, LEASE))
        asked.extend(seen)

    queue.do(watch)

    assert sum("UPDATE" in statement for statement in asked) == 1
