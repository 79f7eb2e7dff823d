"""One claim of the report: what was expected, what was found, and where to look."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


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
        return bool(self.expected(self.found)) if callable(self.expected) else bool(self.expected == self.found)

    @property
    def wanted(self) -> str:
        """The expectation in words."""
        return str(self.expected.__doc__ or "").strip() if callable(self.expected) else str(self.expected)


@dataclass(slots=True)
class Claim:
    """A claim and its checks."""

    number: int
    title: str
    checks: list[Check] = field(default_factory=list)
    seconds: float = 0.0

    def check(self, text: str, expected: Any, found: Any, evidence: str = "") -> None:
        """Add a check; `expected` is a value, or a predicate whose docstring says what is wanted."""
        self.checks.append(Check(text, expected, found, evidence))

    @property
    def holds(self) -> bool:
        """True when every check holds, and there is at least one."""
        return bool(self.checks) and all(check.holds for check in self.checks)


def at_most(limit: float, unit: str = "") -> Callable[[float], bool]:
    """A predicate: not more than `limit`."""

    def small_enough(found: float) -> bool:
        return found <= limit

    small_enough.__doc__ = f"at most {limit:g}{unit}"
    return small_enough


def at_least(limit: float, unit: str = "") -> Callable[[float], bool]:
    """A predicate: not less than `limit`."""

    def large_enough(found: float) -> bool:
        return found >= limit

    large_enough.__doc__ = f"at least {limit:g}{unit}"
    return large_enough
