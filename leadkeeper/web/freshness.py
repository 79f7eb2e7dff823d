"""How old what we keep of the database's rows may become before it is read again."""

from collections.abc import Collection

from leadkeeper import clock

REREAD_SECONDS = 5.0
"""What another process changed is seen after at most this long."""
DOUBTED_SECONDS = 0.25
"""The same, once we have heard that another process changed anything: a worker beside us does 100 times a second."""


class Freshness:
    """Of one thing read from the rows. `topics` say that it has changed: then it is read again at its next use."""

    def __init__(self, topics: Collection[str]) -> None:
        self._topics = frozenset(topics)
        self._read_at = float("-inf")
        self._doubted = False

    def is_over(self) -> bool:
        """True when it has to be read again."""
        age = clock.monotonic() - self._read_at
        return age > (DOUBTED_SECONDS if self._doubted else REREAD_SECONDS)

    def begin(self) -> None:
        """It is being read: what is heard from now on counts for the next time."""
        self._read_at, self._doubted = clock.monotonic(), False

    def end(self) -> None:
        """Read it again at its next use."""
        self._read_at = float("-inf")

    def hear(self, topics: frozenset[str]) -> None:
        """Signals of a commit, ours or another process's."""
        if topics & self._topics:
            self.end()
        elif "*" in topics:
            self._doubted = True
