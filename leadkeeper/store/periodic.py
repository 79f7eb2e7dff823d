"""A write that repeats on time whatever the event loops do: heartbeats and lease renewals."""

from collections.abc import Callable
from typing import Any

from leadkeeper import clock
from leadkeeper.store.calls import Call


class Periodic:
    """`run(conn)` every `seconds`; `done(result)` is told in the thread that ran it, after the commit."""

    def __init__(self, seconds: float, run: Callable[..., Any], done: Callable[[Any], None]) -> None:
        self.seconds = seconds
        self.run = run
        self.done = done
        self._next = clock.monotonic() + seconds

    def due(self) -> bool:
        """True when its time has come."""
        return self.seconds_left() <= 0

    def seconds_left(self) -> float:
        """Seconds until it is due; negative when late."""
        return self._next - clock.monotonic()

    def call(self) -> Call:
        """The call to run now; the next one is due `seconds` from now."""
        self._next = clock.monotonic() + self.seconds
        return Call(self.run, (), None, after=self.done)
