"""The small parts of a worker, one by one."""

import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from leadkeeper import clock
from leadkeeper.queue.jobs import Claimed
from leadkeeper.worker import boot as boots
from leadkeeper.worker.boot import Boot, watch_supervisor
from leadkeeper.worker.drift import Drift
from leadkeeper.worker.held import Held, Lease
from leadkeeper.worker.identity import Identity
from leadkeeper.worker.ready import Ready
from tests.patience import PATIENCE_SECONDS

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def claimed(job_id: int, priority: int = 50, claim: int = 1) -> Claimed:
    return Claimed(job_id, "t", {}, None, priority, 1, claim, 3, 0, None, NOW, NOW)


def test_the_most_urgent_ready_job_comes_first_and_every_tenth_is_the_oldest() -> None:
    ready = Ready()
    ready.add([claimed(1, priority=90)])
    ready.add(claimed(n, priority=10) for n in range(2, 40))

    order = [ready.take(1)[0].id for _ in range(10)]

    assert order[:9] == list(range(2, 11))
    assert order[9] == 1


def test_a_ready_job_can_be_taken_out_and_put_back() -> None:
    ready = Ready()
    ready.add([claimed(1), claimed(2)])

    assert ready.remove(1) == claimed(1)
    assert ready.remove(1) is None
    taken = ready.take(5)
    ready.add(taken)

    assert [job.id for job in ready.take(5)] == [2]
    assert len(ready) == 0


def test_a_lease_has_left_what_both_clocks_say() -> None:
    ticks, wall = 100.0, NOW
    with clock.use_monotonic(lambda: ticks), clock.use(lambda: wall):
        lease = Lease.beginning_now(timedelta(seconds=15))
        assert lease.has_left(14) and not lease.has_left(16)
        wall = NOW + timedelta(seconds=14)  # the machine slept: only the wall clock saw it
        assert not lease.has_left(5)
        wall, ticks = NOW, 114.0
        assert not lease.has_left(5)


def test_a_renewal_of_an_older_claim_does_not_lengthen_the_newer_one() -> None:
    held = Held()
    short, long = Lease.beginning_now(timedelta(seconds=1)), Lease.beginning_now(timedelta(hours=1))
    held.add([claimed(1, claim=2)], short)

    held.renewed([(1, 1)], long)

    assert not held.still_ours(claimed(1, claim=2), 60)
    assert not held.still_ours(claimed(1, claim=1), 0)
    held.drop(claimed(1, claim=1))
    assert held.pairs() == [(1, 2)]


def test_a_worker_whose_clocks_part_judges_no_lease_for_one_lease() -> None:
    ticks, wall = 0.0, NOW
    with clock.use_monotonic(lambda: ticks), clock.use(lambda: wall):
        drift = Drift(lease_seconds=15)
        ticks, wall = 1.0, NOW + timedelta(seconds=2)
        assert drift.trusted()
        ticks, wall = 2.0, NOW + timedelta(hours=1)
        assert not drift.trusted()
        ticks, wall = 16.0, NOW + timedelta(hours=1, seconds=14)
        assert not drift.trusted()
        ticks, wall = 18.0, NOW + timedelta(hours=1, seconds=16)
        assert drift.trusted()


def test_a_lock_tells_the_living_from_the_dead(tmp_path: Path) -> None:
    me, other, killed = Identity(tmp_path), Identity(tmp_path), Identity(tmp_path)
    assert me.dead() == []

    assert killed._file is not None
    killed._file.close()
    assert me.dead() == [killed.id]
    me.bury([killed.id])
    other.give_up()

    assert me.dead() == []
    assert [path.stem for path in me.folder.iterdir()] == [me.id]
    me.give_up()


def test_a_boot_is_handed_on_to_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    boot = Boot.fresh()
    for name, value in boot.environment().items():
        monkeypatch.setenv(name, value)

    assert Boot.of_this_process() == boot
    monkeypatch.delenv("LEADKEEPER_BOOT")
    assert Boot.of_this_process().supervisor is None


@pytest.mark.parametrize("system", ["tells of ends", "does not"])
def test_a_supervisor_that_is_not_our_parent_is_gone(system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = threading.Event()
    if system == "does not":
        monkeypatch.delattr(boots.os, "pidfd_open", raising=False)

    watch_supervisor(Boot("start", os.getpid()), gone.set)  # a process is not its own child

    assert gone.wait(PATIENCE_SECONDS)
