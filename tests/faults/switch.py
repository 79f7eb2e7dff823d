"""How a safeguard is named, what takes it away, and what has to miss it."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

Off = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True)
class Switch:
    """`off` takes the safeguard away; `test` is what has to notice, a whole trial where `trial` is its size."""

    name: str
    test: str
    off: Off
    trial: int = 0


SWITCHES: dict[str, Switch] = {}


def noticed_by(test: str) -> Callable[[Off], Off]:
    """Register a switch under its function's name."""

    def register(off: Off) -> Off:
        SWITCHES[off.__name__] = Switch(off.__name__, test, off)
        return off

    return register


def noticed_by_trial(fault: str, size: int) -> Callable[[Off], Off]:
    """Register a switch a second time: the trial of a fault has to notice it, too. That takes longer."""

    def register(off: Off) -> Off:
        name = f"{off.__name__}_in_{fault}"
        SWITCHES[name] = Switch(name, fault, off, size)
        return off

    return register
