"""The small parts of a worker, one by one."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from leadkeeper import clock
from leadkeeper.queue.jobs import Claimed
from leadkeeper.worker.boot import Boot
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


SUPERVISED = """
import sys, os, pathlib, time, signal
log = pathlib.Path(sys.argv[1])
def told(*_):
    log.open("a").write("told\\n"); sys.exit(0)
signal.signal(signal.SIGTERM, told)
log.open("a").write(f"born {os.getpid()} {os.environ['LEADKEEPER_BOOT']}\\n")
from leadkeeper.worker.boot import Boot, watch_supervisor
watch_supervisor(Boot.of_this_process())
if len(log.read_text().splitlines()) <= int(sys.argv[2]):
    sys.exit(int(sys.argv[3]))
time.sleep(60)
"""
SUPERVISOR = "import sys; from leadkeeper.worker.supervisor import supervise; sys.exit(supervise(sys.argv[1:]))"


def supervised(log: Path, deaths: int = 0, code: int = 1) -> "subprocess.Popen[bytes]":
    child = [sys.executable, "-c", SUPERVISED, str(log), str(deaths), str(code)]
    return subprocess.Popen([sys.executable, "-c", SUPERVISOR, *child], stderr=subprocess.DEVNULL)


def lines(log: Path, number: int) -> list[str]:
    for _ in range(400):
        found = log.read_text().splitlines() if log.exists() else []
        if len(found) >= number:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{number} lines expected, {found}")


def test_a_dead_child_is_started_again_as_the_same_boot_and_a_stop_is_passed_on(tmp_path: Path) -> None:
    log = tmp_path / "log"
    supervisor = supervised(log, deaths=1)

    born = [line.split() for line in lines(log, 2)]
    supervisor.terminate()

    assert supervisor.wait(PATIENCE_SECONDS) == 0
    assert born[0][2] == born[1][2] and born[0][1] != born[1][1]
    assert lines(log, 3)[2] == "told"


def test_a_child_that_cannot_run_like_this_is_not_started_again(tmp_path: Path) -> None:
    assert supervised(tmp_path / "log", deaths=1, code=78).wait(PATIENCE_SECONDS) == 78
    assert len(lines(tmp_path / "log", 1)) == 1


def test_a_child_that_waits_for_something_outside_is_started_again_with_patience_and_can_be_stopped(tmp_path: Path) -> None:
    log = tmp_path / "log"
    began = time.monotonic()
    supervisor = supervised(log, deaths=1, code=75)

    lines(log, 2)

    assert time.monotonic() - began > 2
    supervisor.terminate()
    assert supervisor.wait(PATIENCE_SECONDS) == 0


def test_a_child_ends_when_its_supervisor_is_gone(tmp_path: Path) -> None:
    log = tmp_path / "log"
    supervisor = supervised(log)
    lines(log, 1)

    supervisor.send_signal(signal.SIGKILL)
    supervisor.wait(PATIENCE_SECONDS)

    assert lines(log, 2)[1] == "told"


def test_the_supervisor_imports_nothing_heavy() -> None:
    heavy = "{'sqlalchemy', 'pydantic', 'numpy', 'fastapi', 'uvicorn', 'uvloop'}"
    code = f"import sys, leadkeeper.worker.supervisor; assert not {heavy} & set(sys.modules), {heavy} & set(sys.modules)"

    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ})
