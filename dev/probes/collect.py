"""After the tests: what the probes noted, as coverage.py's data, judged by its reports.

    python -m dev.probes.collect

Ends with 1 when a floor is broken. A floor is for lines and branches together.
"""

import io
import os
import sys
from pathlib import Path
from typing import Any

from coverage import Coverage
from coverage.parser import PythonParser

from dev.probes.plant import PASSED, RAN, Planted
from dev.probes.start import FOLDER, PACKAGE, modules, name_of

SENDING = ("leadkeeper/jobs/send.py", "leadkeeper/jobs/intent.py", "leadkeeper/jobs/record.py")
FLOORS = (
    ("everything", 95, ["leadkeeper/*"]),
    (
        "the queue and the send states",
        100,
        [
            "leadkeeper/queue/*",
            "leadkeeper/crm/circuit.py",
            "leadkeeper/crm/messages.py",
            "leadkeeper/crm/outages.py",
            "leadkeeper/jobs/send.py",
            "leadkeeper/jobs/intent.py",
            "leadkeeper/jobs/record.py",
        ],
    ),
)


def arcs(source: bytes, hits: bytes) -> set[tuple[int, int]]:
    """The lines and ways that were hit, as coverage.py notes them: (from line, to line)."""
    parser = PythonParser(text=source.decode())
    parser.parse_source()
    probes = Planted(source).facts
    entered = {fact for facts in probes for fact in facts if fact[1] > 0}
    found = set()
    for line, end in {fact for facts, hit in zip(probes, hits, strict=True) if hit for fact in facts}:
        if end == RAN:
            found.add((-1, line))
        elif end == PASSED:
            found |= {way for way in parser.arcs() if way[0] == line and way not in entered}
        else:
            found.add((line, end))
    return found


def collect(folder: Path, **options: Any) -> Coverage:
    """The coverage of every file of the package; one that was never loaded counts as not covered."""
    measured = Coverage(**options)
    data = measured.get_data()
    paths = sorted(PACKAGE.rglob("*.py"))
    hits, places = (folder / "hits").read_bytes(), modules((folder / "modules").read_text())
    for path in paths:
        source = path.read_bytes()
        place = places.get(name_of(path, source))
        data.add_arcs({str(path): arcs(source, hits[place.start : place.stop]) if place is not None else set()})
    data.touch_files([str(path) for path in paths])
    return measured


def judge(measured: Coverage, what: str, floor: float, files: list[str]) -> bool:
    """True when the floor holds; where it does not, what is missing is printed."""
    table = io.StringIO()
    covered = measured.report(include=files, file=table)
    if covered < floor:
        print(table.getvalue())
    print(f"  {'✓' if covered >= floor else '✗'} coverage of {what}: {covered:.2f} % of lines and branches (floor {floor} %)")
    return covered >= floor


def main() -> int:
    """Write the data and judge it; returns the exit code."""
    measured = collect(Path(os.environ[FOLDER]))
    measured.save()
    held = [judge(measured, *floor) for floor in FLOORS]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
