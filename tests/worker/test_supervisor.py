"""The supervisor: what becomes of a child that dies, of one that cannot live, and of the spare beside it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from leadkeeper.worker.supervisor import AT_ONCE, LONGEST_WAIT_SECONDS, RESTART_SECONDS, patience
from tests.patience import PATIENCE_SECONDS

SUPERVISED = """
import sys, os, pathlib, time, signal
log = pathlib.Path(sys.argv[1])
from leadkeeper.worker import spare
if spare.is_this_process():
    log.with_name("spare").write_text(str(os.getpid()))
    if not spare.comes_to_its_turn():
        sys.exit(0)
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


def spare_of(log: Path, other_than: str = "") -> str:
    """The process id of the spare."""
    path = log.with_name("spare")
    for _ in range(400):
        if path.exists() and path.read_text() not in ("", other_than):
            return path.read_text()
        time.sleep(0.05)
    raise AssertionError("there is no spare")


def gone(pid: str) -> bool:
    for _ in range(400):
        if not Path("/proc", pid).exists():
            return True
        time.sleep(0.05)
    return False


def kill(pid: str) -> None:
    os.kill(int(pid), signal.SIGKILL)


def test_a_spare_takes_over_from_a_dead_child_and_has_a_spare_of_its_own(tmp_path: Path) -> None:
    log = tmp_path / "log"
    supervisor = supervised(log)
    first, spare = lines(log, 1)[0].split()[1], spare_of(log)

    kill(first)

    assert lines(log, 2)[1].split()[1] == spare
    after = spare_of(log, other_than=spare)
    supervisor.terminate()
    assert supervisor.wait(PATIENCE_SECONDS) == 0
    assert gone(after)


def test_a_spare_that_was_killed_is_no_loss(tmp_path: Path) -> None:
    log = tmp_path / "log"
    supervisor = supervised(log)
    first, spare = lines(log, 1)[0].split()[1], spare_of(log)

    kill(spare)
    kill(first)

    assert lines(log, 2)[1].split()[1] not in (first, spare)
    supervisor.terminate()
    assert supervisor.wait(PATIENCE_SECONDS) == 0


def test_a_spare_ends_with_its_supervisor(tmp_path: Path) -> None:
    log = tmp_path / "log"
    supervisor = supervised(log)
    spare = spare_of(log)

    supervisor.send_signal(signal.SIGKILL)
    supervisor.wait(PATIENCE_SECONDS)

    assert gone(spare)
    assert lines(log, 2)[1] == "told"


def test_a_child_that_dies_at_once_again_and_again_is_waited_for_longer_and_longer() -> None:
    waits = [patience(short_lives) for short_lives in range(AT_ONCE + 30)]

    assert waits[:AT_ONCE] == [0.0] * AT_ONCE
    assert waits[AT_ONCE : AT_ONCE + 3] == [RESTART_SECONDS, 2 * RESTART_SECONDS, 4 * RESTART_SECONDS]
    assert waits[-1] == LONGEST_WAIT_SECONDS


def test_a_child_that_never_lives_long_is_not_started_all_the_time(tmp_path: Path) -> None:
    log = tmp_path / "log"
    began = time.monotonic()
    supervisor = supervised(log, deaths=AT_ONCE + 1)

    lines(log, AT_ONCE + 2)

    assert time.monotonic() - began > RESTART_SECONDS * 3
    supervisor.terminate()
    assert supervisor.wait(PATIENCE_SECONDS) == 0
