"""Where a claim begins to look, once looking at everything has become slow."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import Connection, text

from leadkeeper import clock
from leadkeeper.queue import lanes
from leadkeeper.queue.claim import Taken, Wanted, claim
from leadkeeper.queue.lanes import Horizon
from tests.queue.conftest import LEASE, Queue, plain, plans

HOUR = timedelta(hours=1)


@contextmanager
def slow_looks(monkeypatch: pytest.MonkeyPatch, rests: float) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(lanes, "SLOW_SECONDS", -1.0)
        patch.setattr(lanes, "RESTS", rests)
        patch.setattr(lanes, "LONGEST_SECONDS", rests)
        yield


@pytest.fixture
def behind(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> Horizon:
    """The horizon after a slow look that found nothing; it lasts."""
    with slow_looks(monkeypatch, rests=1e9):
        horizon = taken(queue, None).horizon
    assert horizon is not None
    return horizon


def taken(queue: Queue, horizon: Horizon | None) -> Taken:
    wanted = Wanted("w1", 100, None, LEASE, horizon=horizon)
    return queue.do(claim, wanted)  # type: ignore[no-any-return]


def test_a_quick_look_leaves_no_horizon(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "SLOW_SECONDS", 60.0)
    queue.enqueue(plain())

    assert taken(queue, None).horizon is None


def test_what_comes_after_a_slow_look_is_found_in_every_lane(queue: Queue, behind: Horizon) -> None:
    ids = queue.enqueue(plain(1, priority=80), plain(2, priority=0), plain(3), plain(4, run_at=clock.now() + HOUR))

    got = taken(queue, behind)

    assert [job.id for job in got.jobs] == [ids[1], ids[2], ids[0]]


def test_a_horizon_moves_with_what_waits_and_never_past_it(queue: Queue, behind: Horizon) -> None:
    queue.enqueue(*(plain(n, priority=10) for n in range(5)))
    waiting = queue.rows()[0].run_at
    wanted = Wanted("w1", 3, None, LEASE, horizon=behind)

    after: Taken = queue.do(claim, wanted)
    rest = taken(queue, after.horizon)

    assert after.horizon is not None
    assert after.horizon.since[10] < waiting
    assert after.horizon.until == behind.until
    assert len(rest.jobs) == 2


def test_what_lies_behind_it_is_found_when_its_time_is_over_and_that_is_the_next_look(queue: Queue, behind: Horizon) -> None:
    [old] = queue.enqueue(plain(run_at=clock.now() - HOUR))

    missed = taken(queue, replace(behind, until=clock.monotonic() + 5))
    found = taken(queue, replace(behind, until=clock.monotonic()))

    assert missed.jobs == []
    assert missed.next_at is not None
    assert missed.next_at <= clock.now() + timedelta(seconds=5)
    assert [job.id for job in found.jobs] == [old]


def test_a_horizon_reaches_back_to_the_followers_of_what_has_ended(queue: Queue, behind: Horizon) -> None:
    [old] = queue.enqueue(plain(run_at=clock.now() - HOUR))

    got = taken(queue, behind.reaching(clock.now() - 2 * HOUR))

    assert [job.id for job in got.jobs] == [old]


def test_a_lane_of_an_unusual_number_is_known_from_the_full_look(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    queue.enqueue(plain(1, priority=17))
    with slow_looks(monkeypatch, rests=1e9):
        horizon = taken(queue, None).horizon
    [later] = queue.enqueue(plain(2, priority=17))

    assert [job.id for job in taken(queue, horizon).jobs] == [later]


def test_a_look_from_a_horizon_walks_the_index_from_there(queue: Queue, behind: Horizon) -> None:
    queue.enqueue(*(plain(n) for n in range(2_000)))

    def walk(conn: Connection) -> str:
        if conn.dialect.name == "postgresql":
            conn.execute(text("analyze automation_jobs"))
        return plans(conn, lambda: lanes.look(conn, behind, clock.now()))

    plan = queue.do(walk)

    assert "ix_jobs_ready" in plan
    assert "seq scan on automation_jobs" not in plan and "scan automation_jobs" not in plan.replace("index scan", "")


def test_a_process_that_stood_still_in_a_look_looks_at_everything_again_soon(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks, now = iter([0.0, 600.0]), clock.now()

    with monkeypatch.context() as patch:
        patch.setattr(lanes, "clock", SimpleNamespace(monotonic=lambda: next(ticks)))
        _, horizon = queue.do(lanes.look, None, now)

    assert horizon is not None
    assert horizon.until == 600 + lanes.LONGEST_SECONDS
