"""A wall clock that can be set: it runs on from there, and the product learns nothing of the jump."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from leadkeeper import clock


class Warp:
    """The product's wall clock while a trial holds it; the monotonic clock stays the machine's."""

    def __init__(self) -> None:
        self._zero = clock.now() - timedelta(seconds=clock.monotonic())

    def now(self) -> datetime:
        """This moment, as the trial will have it."""
        return self._zero + timedelta(seconds=clock.monotonic())

    def jump(self, by: timedelta) -> None:
        """Set the clock forward, or back where `by` is negative."""
        self._zero += by

    def reach(self, moment: datetime) -> None:
        """Set the clock forward to `moment`; never back."""
        self.jump(max(moment - self.now(), timedelta(0)))


@contextmanager
def warped() -> Iterator[Warp]:
    """Hold the wall clock inside the block."""
    warp = Warp()
    with clock.use(warp.now):
        yield warp
