"""Labelled places where a process may die: `leadkeeper faults` kills it at each of them and looks at what is left.

A label does nothing unless a trial has armed it, which no setting and no environment variable can do.
"""

from collections.abc import Callable

_visit: Callable[[str], None] | None = None


def point(label: str) -> None:
    """This place has been reached (`<part>.<what has just happened>`); 30 ns when nobody is told."""
    if _visit is not None:
        _visit(label)


def arm(visit: Callable[[str], None] | None) -> None:
    """Tell `visit` every label this process reaches from now on; None: nobody."""
    global _visit
    _visit = visit
