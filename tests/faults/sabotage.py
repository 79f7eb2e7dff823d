"""Take every safeguard away in turn and see that a test goes red: `python -m tests.faults.sabotage [--long] [names]`.

Each switch gets a process of its own, forked from one that has everything loaded. One JSON object a
line: the switch, and what its test came to: red, green, or why it could not be run.
"""

import contextlib
import gc
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # its threads would be there before the first fork

import pytest

import tests.patience
from leadkeeper.cli.faults import crashpoints, simulation, stalls
from leadkeeper.cli.faults.trial import Trial
from leadkeeper.cli.measure.ground import ground
from tests.faults import switches, switches_door
from tests.faults.switch import SWITCHES, Switch

FILLED_BY = (switches, switches_door)
FOLDER = Path(__file__).resolve().parents[1]
LANES = 2
PATIENCE_SECONDS = 3.0
"""What will never come is not waited for as long as where it must."""
CLUSTER = "TEST_CLUSTER_OF_LEADKEEPER"
ASKED = ("-q", "-x", "--no-header", "--rootdir", str(FOLDER.parent), "--assert=plain")
BROKEN = 98
CAME_TO = {pytest.ExitCode.OK: "green", pytest.ExitCode.TESTS_FAILED: "red", pytest.ExitCode.NO_TESTS_COLLECTED: "no such test"}


def main(names: Sequence[str]) -> int:
    """Take these safeguards away, or all (`--long`: trials have to miss some, too); returns how many nobody missed."""
    for heavy in ("hypothesis", "pytest_asyncio.plugin", "xdist.plugin", "psycopg", "tests.kept", "starlette.testclient"):
        import_module(heavy)  # once, instead of in every fork
    gc.freeze()
    os.environ.setdefault(CLUSTER, "none")  # no switch needs PostgreSQL: nobody starts a server for it
    every = [switch for switch in SWITCHES.values() if "--long" in names or not switch.trial]
    wanted = [SWITCHES[name] for name in names if name != "--long"] or every
    unnoticed = 0
    for switch, came_to in _taken_away(wanted):
        unnoticed += came_to != "red"
        print(json.dumps({"safeguard": switch.name, "test": switch.test, "cameTo": came_to}), flush=True)
    return unnoticed


def _taken_away(wanted: Sequence[Switch]) -> Iterator[tuple[Switch, str]]:
    """Every switch with what became of its test, so many at once as there are lanes."""
    waiting, running = list(reversed(wanted)), {}
    while waiting or running:
        while waiting and len(running) < LANES:
            switch = waiting.pop()
            running[_forked(switch)] = switch
        pid, status = os.wait()
        if pid in running:
            code = os.waitstatus_to_exitcode(status)
            yield running.pop(pid), CAME_TO.get(code, f"exit code {code}")  # type: ignore[call-overload]


def _forked(switch: Switch) -> int:
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            code = _without(switch)
        except BaseException as error:
            print(f"{switch.name}: {error!r}", file=sys.stderr, flush=True)
        finally:
            os._exit(code)
    return pid


def _without(switch: Switch) -> int:
    """The exit code of pytest, the safeguard being away."""
    patch = pytest.MonkeyPatch()
    patch.setattr(tests.patience, "PATIENCE_SECONDS", PATIENCE_SECONDS)
    switch.off(patch)
    if switch.trial:
        return _tried(switch.test, switch.trial)
    told = io.StringIO()  # and nothing is rewritten: too much is loaded already
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        code = pytest.main([*ASKED, str(FOLDER / switch.test)])
    if "tests/faults/switch" in told.getvalue():
        code = BROKEN  # red, but because of an error in what takes the safeguard away
    if code != pytest.ExitCode.TESTS_FAILED:
        print(told.getvalue()[-3_000:], file=sys.stderr, flush=True)
    return int(code)


def _tried(fault: str, size: int) -> int:
    """The same for the trial of a fault: 1 when it has found something."""
    trial = Trial(fault, "sqlite", size)
    with tempfile.TemporaryDirectory() as tempfile.tempdir, ground("sqlite", "") as place:
        match fault:
            case "crashpoints":
                crashpoints.run(trial, place, 1)
            case "stalls":
                stalls.run(trial, place, 1)
            case "simulation":
                simulation.run(trial, place, 1, 200)
    return int(bool(trial.findings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
