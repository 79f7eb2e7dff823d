"""What a trial did and found, and how it is told: progress for people, one JSON object for programs."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import typer

from leadkeeper import clock

TOLD_SECONDS = 10.0
"""How often progress is told where there is no terminal."""
SHOWN = 20


@dataclass(slots=True)
class Trial:
    """One fault on one database. `wanted` rounds of it; `counts` are figures of its own."""

    fault: str
    db: str
    wanted: int
    done: int = 0
    counts: dict[str, Any] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    began: float = field(default_factory=clock.monotonic)
    _told: float = field(default_factory=clock.monotonic)

    @property
    def holds(self) -> bool:
        """True when everything wanted was done and nothing was found."""
        return not self.findings and self.done >= self.wanted

    @property
    def seconds(self) -> float:
        """Since it began."""
        return clock.monotonic() - self.began

    def find(self, what: str) -> None:
        """Something is wrong; told at once."""
        self.findings.append(what)
        if len(self.findings) <= SHOWN:
            typer.secho(f"✗ {self.fault} on {self.db}: {what}", fg="red", err=True)

    def step(self, count: int = 1) -> None:
        """So many rounds more are done."""
        self.done += count
        terminal = sys.stderr.isatty()
        if clock.monotonic() - self._told > (0.2 if terminal else TOLD_SECONDS):
            self._told = clock.monotonic()
            words = f"  {self.fault} on {self.db}: {self.done} of {self.wanted}, {self.a_minute:,.0f} a minute"
            typer.echo(f"\r{words}   " if terminal else words, err=True, nl=not terminal)

    @property
    def a_minute(self) -> float:
        """Rounds a minute so far."""
        return self.done / max(self.seconds, 0.001) * 60

    def as_json(self) -> Mapping[str, Any]:
        """The summary line."""
        figures = {"wanted": self.wanted, "done": self.done, "seconds": round(self.seconds, 1), "perMinute": round(self.a_minute)}
        return {"fault": self.fault, "db": self.db, "ok": self.holds, **figures, **self.counts, "findings": self.findings}

    def told(self) -> str:
        """The summary for a person."""
        counts = ", ".join(f"{name} {value}" for name, value in self.counts.items() if not isinstance(value, dict | list))
        mark = "✓" if self.holds else "✗"
        pace = f"{self.done} of {self.wanted} in {self.seconds:.0f} s ({self.a_minute:,.0f} a minute)"
        return (
            f"{mark} {self.fault} on {self.db}: {pace}{'; ' + counts if counts else ''}; {len(self.findings) or 'nothing'} found"
        )

    def show(self, as_json: bool) -> None:
        """Print the summary."""
        if sys.stderr.isatty():
            typer.echo("\r\x1b[K", err=True, nl=False)
        typer.echo(json.dumps(self.as_json()) if as_json else self.told())
