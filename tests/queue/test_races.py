"""Transactions beside each other on PostgreSQL (and in turn on SQLite): nothing is lost or doubled."""

import asyncio
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from leadkeeper.errors import ClaimLost
from leadkeeper.queue.cancel import cancel
from leadkeeper.queue.claim import Wanted, claim
from leadkeeper.queue.enqueue import enqueue, enqueue_all
from leadkeeper.queue.fence import hold
from leadkeeper.queue.finish import Result, finish
from leadkeeper.queue.leases import release
from leadkeeper.queue.outcomes import Done, Fail
from leadkeeper.queue.retry import redrive
from leadkeeper.queue.sweep import sweep, swept
from leadkeeper.queue.timers import Schedule, ensure, tick
from leadkeeper.store.schema import jobs
from tests.beside import Held, on_postgres
from tests.queue.conftest import BASE, LEASE, Queue, hours_later, plain


@on_postgres
def test_a_finish_waits_for_an_enqueue_behind_its_head_and_promotes_it(queue: Queue) -> None:
    queue.enqueue(plain(1, key="k"))
    [job] = queue.claim()
    behind = Held(queue.db, lambda conn: enqueue(conn, plain(2, key="k")))

    behind.commit_once_waited_for(lambda: queue.done(job))

    assert [claimed.data["n"] for claimed in queue.claim()] == [2]
    assert queue.do(sweep) == 0


@on_postgres
def test_an_enqueue_beside_a_finish_looks_again_and_becomes_the_head(queue: Queue) -> None:
    queue.enqueue(plain(1, key="k"))
    [job] = queue.claim()
    ending = Held(queue.db, lambda conn: finish(conn, [Result(job, Done())], BASE))

    ending.commit_once_waited_for(lambda: queue.enqueue(plain(2, key="k")))

    assert [claimed.data["n"] for claimed in queue.claim()] == [2]


@on_postgres
def test_an_enqueue_beside_a_finish_that_promotes_stands_behind_the_promoted(queue: Queue) -> None:
    queue.enqueue(plain(1, key="k"), plain(2, key="k"))
    [job] = queue.claim()
    ending = Held(queue.db, lambda conn: finish(conn, [Result(job, Done())], BASE))

    ending.commit_once_waited_for(lambda: queue.enqueue(plain(3, key="k")))

    assert [claimed.data["n"] for claimed in queue.claim()] == [2]
    assert [row.head for row in queue.rows() if row.status == "pending"] == [False]


@on_postgres
def test_a_follower_cancelled_beside_a_finish_leaves_no_key_without_head(queue: Queue) -> None:
    _, second, third = queue.enqueue(plain(1, key="k"), plain(2, key="k"), plain(3, key="k"))
    [job] = queue.claim()
    cancelling = Held(queue.db, lambda conn: cancel(conn, [second], "not wanted"))

    cancelling.commit_once_waited_for(lambda: queue.done(job))

    assert [claimed.id for claimed in queue.claim()] == [third]
    assert queue.do(sweep) == 0


@on_postgres
def test_a_cancel_beside_a_finish_that_promotes_its_job_leaves_no_key_without_head(queue: Queue) -> None:
    _, second, third = queue.enqueue(plain(1, key="k"), plain(2, key="k"), plain(3, key="k"))
    [job] = queue.claim()
    ending = Held(queue.db, lambda conn: finish(conn, [Result(job, Done())], BASE))

    ending.commit_once_waited_for(lambda: queue.do(cancel, [second], "not wanted"))

    assert [claimed.id for claimed in queue.claim()] == [third]


@on_postgres
def test_a_twin_enqueued_meanwhile_keeps_its_job_from_being_claimed_unseen(queue: Queue) -> None:
    [job_id] = queue.enqueue(plain(1, dedupe="reply:1"))
    joining = Held(queue.db, lambda conn: enqueue(conn, plain(2, dedupe="reply:1")))

    assert queue.claim() == []  # whoever claims it must see what the joining transaction has written

    joining.commit()
    assert [claimed.id for claimed in queue.claim()] == [job_id]


@on_postgres
def test_two_first_jobs_of_a_key_at_once_give_one_head(queue: Queue) -> None:
    first = Held(queue.db, lambda conn: enqueue(conn, plain(1, key="k")))

    first.commit_once_waited_for(lambda: queue.enqueue(plain(2, key="k")))

    assert sorted(row.head for row in queue.rows()) == [False, True]


@on_postgres
def test_a_redrive_beside_a_first_enqueue_gives_one_head(queue: Queue) -> None:
    [old] = queue.enqueue(plain(1, key="k"))
    queue.finish((queue.claim()[0], Fail("no")))
    enqueuing = Held(queue.db, lambda conn: enqueue(conn, plain(2, key="k")))

    enqueuing.commit_once_waited_for(lambda: queue.do(redrive, [old]))

    assert sorted(row.head for row in queue.rows()) == [False, True]
    assert queue.statuses() == ["pending", "pending"]


async def test_claims_at_once_share_the_jobs_and_never_take_one_twice(queue: Queue) -> None:
    queue.enqueue(*(plain(n) for n in range(200)))

    takes = [queue.db.write(claim, Wanted(f"w{n}", 50, 0, LEASE)) for n in range(8)]
    taken = [job.id for each in await asyncio.gather(*takes) for job in each.jobs]

    assert len(taken) == len(set(taken))
    rest = [job.id for job in queue.claim(1_000)]
    assert len(taken) + len(rest) == 200


async def test_a_crowd_of_enqueues_finishes_and_cancels_keeps_every_key_in_order(queue: Queue) -> None:
    ran: dict[str, list[int]] = {}

    async def produce(number: int) -> None:
        for n in range(12):
            batch = [plain(number * 100 + n, key=f"k{(number + step) % 5}") for step in range(4)]
            ids = await queue.db.write(enqueue_all, batch)
            if n % 4 == 3:
                await queue.db.write(cancel, ids[:1], "not wanted")

    producing = asyncio.gather(*(produce(number) for number in range(6)))

    async def consume(name: str) -> None:
        while True:
            taken = (await queue.db.write(claim, Wanted(name, 10, None, LEASE))).jobs
            for job in taken:
                ran.setdefault(str(job.key), []).append(job.id)
            await queue.db.write(finish, [Result(job, Done()) for job in taken], BASE)
            if not taken and producing.done():
                return
            await asyncio.sleep(0)

    await asyncio.wait_for(asyncio.gather(producing, *(consume(f"w{n}") for n in range(3))), 120)

    assert {row.status for row in queue.rows()} <= {"completed", "cancelled"}
    assert all(ids == sorted(ids) and len(ids) == len(set(ids)) for ids in ran.values())
    assert queue.do(sweep) == 0


@on_postgres
def test_a_head_that_comes_while_the_sweep_repairs_its_key_is_let_be(queue: Queue) -> None:
    _, second = queue.enqueue(plain(1, key="k"), plain(2, key="k"))
    queue.done(*queue.claim())
    queue.do(lambda conn: conn.execute(update(jobs).where(jobs.c.id == second).values(head=False)))
    swept_by: list[int] = []
    enqueuing = Held(queue.db, lambda conn: enqueue(conn, plain(3, key="k")))

    enqueuing.commit_once_waited_for(lambda: swept_by.append(queue.do(sweep)))

    assert swept_by == [0]
    assert [row.head for row in queue.rows() if row.status == "pending"] == [False, True]


@on_postgres
def test_two_sweeps_at_once_repair_a_key_once_and_count_it_once(queue: Queue) -> None:
    _, second = queue.enqueue(plain(1, key="k"), plain(2, key="k"))
    queue.done(*queue.claim())
    queue.do(lambda conn: conn.execute(update(jobs).where(jobs.c.id == second).values(head=False)))
    swept_by: list[int] = []
    first = Held(queue.db, lambda conn: swept_by.append(sweep(conn)))

    first.commit_once_waited_for(lambda: swept_by.append(queue.do(sweep)))

    assert swept_by == [1, 0]
    assert queue.db.read_now(swept) == 1


@on_postgres
def test_two_workers_at_one_slot_of_a_schedule_enqueue_one_job(queue: Queue) -> None:
    with hours_later(-48):
        queue.do(ensure, [Schedule("daily", "0 9 * * *", "noop")], ZoneInfo("UTC"))
    enqueued: list[list[int]] = []
    first = Held(queue.db, lambda conn: enqueued.append(tick(conn, ZoneInfo("UTC"))))

    first.commit_once_waited_for(lambda: enqueued.append(queue.do(tick, ZoneInfo("UTC"))))

    assert [len(each) for each in enqueued] == [1, 0]
    assert len(queue.rows()) == 1


def test_a_key_whose_head_was_lost_is_not_waited_for_for_ever(queue: Queue) -> None:
    first, second = queue.enqueue(plain(1, key="k"), plain(2, key="k"))
    queue.do(lambda conn: conn.execute(update(jobs).where(jobs.c.id == first).values(head=False)))

    queue.do(cancel, [second], "not wanted")

    assert queue.statuses() == ["pending", "cancelled"]


def test_a_job_in_other_hands_cannot_be_held(queue: Queue) -> None:
    queue.enqueue(plain())
    [job] = queue.claim()
    queue.do(release, [(job.id, job.claim)])
    queue.claim(worker="w2")

    with pytest.raises(ClaimLost, match=str(job.id)):
        queue.do(hold, job)
