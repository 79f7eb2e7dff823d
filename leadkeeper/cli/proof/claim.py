"""One claim of the report: what was expected, what was found, and where to look."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Wanted:
    """An expectation that is not one value: its words, and whether something found meets it."""

    words: str
    met: Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that had to be so. `evidence` names the rows."""

    text: str
    expected: Any
    found: Any
    evidence: str = ""

    @property
    def holds(self) -> bool:
        """True when what was found is what was expected."""
        return self.expected.met(self.found) if isinstance(self.expected, Wanted) else bool(self.expected == self.found)

    @property
    def wanted(self) -> str:
        """The expectation in words."""
        return self.expected.words if isinstance(self.expected, Wanted) else str(self.expected)


@dataclass(slots=True)
class Claim:
    """A claim and its checks."""

    number: int
    title: str
    checks: list[Check] = field(default_factory=list)
    seconds: float = 0.0

    def check(self, text: str, expected: Any, found: Any, evidence: str = "") -> None:
        """Add a check; `expected` is a value, or a `Wanted`."""
        self.checks.append(Check(text, expected, found, evidence))

    @property
    def holds(self) -> bool:
        """True when every check holds, and there is at least one."""
        return bool(self.checks) and all(check.holds for check in self.checks)


def at_most(limit: float) -> "Wanted":
    """Not more than `limit`."""
    return Wanted(f"at most {limit:g}", lambda found: found <= limit)


def at_least(limit: float) -> "Wanted":
    """Not less than `limit`."""
    return Wanted(f"at least {limit:g}", lambda found: found >= limit)


def between(low: float, high: float) -> "Wanted":
    """More than `low` and less than `high`."""
    return Wanted(f"more than {low:g}, less than {high:g}", lambda found: low < found < high)


def within(bounds: Sequence[float]) -> "Wanted":
    """From the first to the second of `bounds`; without bounds: nothing at all."""
    if not bounds:
        return Wanted("none", lambda found: found is None)
    low, high = bounds
    return Wanted(f"{low:g} to {high:g}", lambda found: found is not None and low <= found <= high)


def saying(text: str) -> "Wanted":
    """A text that holds `text`."""
    return Wanted(f"a reason that names {text}", lambda found: text in str(found or ""))
