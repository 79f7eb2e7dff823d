"""A measured figure, the conditions it was taken under, and how both are shown."""

import json
import os
import platform
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leadkeeper import clock
from leadkeeper.cli import disk


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric; `rounds` are its values in order, and their median is what counts."""

    bench: str
    metric: str
    unit: str
    rounds: Sequence[float]

    @property
    def value(self) -> float:
        """The median of the rounds."""
        return round(statistics.median(self.rounds), 3)


def merged(rounds: Sequence[Sequence[Figure]]) -> list[Figure]:
    """The figures of several rounds, each metric with all its values, in the order of the first round."""
    by_name: dict[tuple[str, str, str], list[float]] = {}
    for figure in (figure for each in rounds for figure in each):
        by_name.setdefault((figure.bench, figure.metric, figure.unit), []).extend(figure.rounds)
    return [Figure(*name, values) for name, values in by_name.items()]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of them lie; 0 for none."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def conditions(db: str) -> dict[str, Any]:
    """What the machine is like just now: durable writes a second, load of the last minute, cores, versions."""
    with tempfile.TemporaryDirectory(prefix="leadkeeper-disk-") as folder:
        fsyncs = disk.fsyncs_per_second(Path(folder))
    return {
        "db": db,
        "fsyncsPerSecond": round(fsyncs),
        "load": round(disk.load(), 2),
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "at": clock.now().isoformat(timespec="seconds"),
    }


def as_line(figure: Figure, around: Mapping[str, Any]) -> str:
    """One JSON object on one line."""
    told = {"bench": figure.bench, "db": around["db"], "metric": figure.metric, "value": figure.value, "unit": figure.unit}
    return json.dumps({**told, "rounds": [round(value, 3) for value in figure.rounds], **around})


def show(figures: Sequence[Figure], around: Mapping[str, Any]) -> None:
    """A table for people."""
    from rich.console import Console
    from rich.table import Table

    names = ("fsyncsPerSecond", "load", "cores", "python")
    title = f"{around['db']}: " + ", ".join(f"{name} {around[name]}" for name in names)
    table = Table("bench", "metric", "median", "unit", "rounds", title=title)
    for figure in figures:
        rounds = "  ".join(f"{value:.4g}" for value in figure.rounds)
        table.add_row(figure.bench, figure.metric, f"{figure.value:,.5g}", figure.unit, rounds)
    Console().print(table)
