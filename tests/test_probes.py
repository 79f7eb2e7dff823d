"""The probes say what tracing says, of every statement and branch of the package, also when a process is killed."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from coverage import Coverage
from coverage.parser import PythonParser

from dev.probes import start
from dev.probes.collect import arcs, collect, judge
from dev.probes.plant import HITS, PASSED, RAN, Planted

SAMPLE = '''"""Every kind of way through a program."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass


@dataclass
class Point:
    """Two numbers."""

    x: int = 0

    @property
    @contextlib.contextmanager
    def held(self):
        """A block."""
        yield self


def ways(number: int) -> str:
    """Nearly all of them."""
    for each in range(number):
        if each == 2:
            continue
        elif each == 3:
            break
        else:
            pass
    else:
        return "all"
    while number > 4:
        number -= 1
    while True:
        with Point(number).held as point, contextlib.suppress(KeyError):
            {}[point.x]
        break
    return "some"


def caught(value):
    try:
        value.upper()
    except (AttributeError,
            TypeError) as error:
        return str(
            error
        )
    except ValueError:
        return "never"
    else:
        value = [
            each for each in value if each
        ]
    finally:
        value = None
    return value


def matched(value: object) -> int:
    match value:
        case 1 | 2:
            return 1
        case str() if len(value) > 3:
            value = 2
        case {"a": int(found)}:
            return found
    return 0


def everything(value):
    match value:
        case None:
            return None
        case _:
            return [lambda: value]


async def later(values):
    async for value in values:
        if value:
            return value
    def never(): ...
'''
CALLS = [
    "ways(0)",
    "ways(6)",
    "caught(1)",
    "caught('a')",
    "matched(2)",
    "matched('long')",
    "matched('a')",
    "everything(1)",
    "None",
]


def traced(file: Path, source: str, call: str) -> Coverage:
    """What coverage.py sees."""
    measured = Coverage(data_file=None, branch=True, source=[str(file.parent)], config_file=False)
    names: dict[str, Any] = {"__name__": __name__}
    code = compile(source, str(file), "exec")
    measured.start()
    exec(code, names)
    eval(call, names)
    measured.stop()
    return measured


def probed(file: Path, source: str, call: str) -> Coverage:
    """What the probes see."""
    planted = Planted(source.encode())
    hits = bytearray(len(planted.facts))
    names: dict[str, Any] = {"__name__": __name__, HITS: hits}
    exec(compile(planted.tree, str(file), "exec"), names)
    eval(call, names)
    measured = Coverage(data_file=None, branch=True, config_file=False)
    measured.get_data().add_arcs({str(file): arcs(source.encode(), bytes(hits))})
    return measured


@pytest.mark.parametrize("call", CALLS)
def test_probes_say_what_tracing_says(tmp_path: Path, call: str) -> None:
    file = tmp_path / "sample.py"
    file.write_text(SAMPLE)

    by_tracing, by_probes = traced(file, SAMPLE, call), probed(file, SAMPLE, call)

    assert by_probes.analysis2(str(file)) == by_tracing.analysis2(str(file))
    assert by_probes.branch_stats(str(file)) == by_tracing.branch_stats(str(file))


def test_every_statement_and_branch_of_the_package_has_its_probes() -> None:
    for path in start.PACKAGE.rglob("*.py"):
        source = path.read_bytes()
        parser = PythonParser(text=source.decode())
        parser.parse_source()
        facts = {fact for each in Planted(source).facts for fact in each}

        assert parser.statements <= parser.translate_lines({line for line, end in facts if end == RAN}), path
        for line in (line for line, exits in parser.exit_counts().items() if exits > 1):
            ways = {end for first, end in parser.arcs() if first == line}
            entered = {end for first, end in facts if first == line and end > 0}
            assert len(entered & ways) == len(ways - entered) == 1, (path, line)
            assert (line, PASSED) in facts, (path, line)


def test_a_process_that_is_killed_has_told_what_it_ran(tmp_path: Path) -> None:
    program = "import os, leadkeeper.clock; leadkeeper.clock.monotonic(); os.kill(os.getpid(), 9)"
    environment = os.environ | {start.FOLDER: str(tmp_path), "PYTHONPATH": str(Path(start.__file__).parent)}

    for _ in range(2):  # the second finds the code that the first has made
        done = subprocess.run([sys.executable, "-c", program], env=environment, check=False)
        assert done.returncode == -9

    measured = collect(tmp_path, data_file=None)
    _, statements, _, missing, _ = measured.analysis2(str(start.PACKAGE / "clock.py"))
    assert 0 < len(missing) < len(statements)


def test_a_file_that_was_never_loaded_is_not_covered(tmp_path: Path) -> None:
    (tmp_path / "hits").touch()
    (tmp_path / "modules").touch()

    measured = collect(tmp_path, data_file=None)

    _, statements, _, missing, _ = measured.analysis2(str(start.PACKAGE / "clock.py"))
    assert missing == statements


@pytest.mark.parametrize(("floor", "holds"), [(48, True), (49, False)])
def test_a_broken_floor_is_said_with_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], floor: int, holds: bool
) -> None:
    file = tmp_path / "sample.py"
    file.write_text(SAMPLE)
    measured = probed(file, SAMPLE, "ways(6)")

    assert judge(measured, "the sample", floor, [str(file)]) is holds

    said = capsys.readouterr().out
    assert "coverage of the sample: 48.61 %" in said
    assert ("sample.py" in said) is not holds
