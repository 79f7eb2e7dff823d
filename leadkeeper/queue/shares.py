"""How the slots of a worker are shared: nobody who is slow takes the last.

Bulk, and each scope (what is sent through one account), takes a slot only while more are free than it
has: half of what the others leave. A second one that is slow takes half of the rest, and so on.
"""

from collections import Counter
from collections.abc import Mapping

from leadkeeper.queue.jobs import Claimed

BULK = "bulk"


def sharers(job: Claimed) -> tuple[str, ...]:
    """Under which names a job in hand is counted: bulk, its scope, both or neither."""
    names = (BULK,) if job.bulk else ()
    return names if job.scope is None else (*names, job.scope)


class Shares:
    """`free` slots, and how many each sharer has `held`, while jobs are taken and finished."""

    def __init__(self, free: int, held: Mapping[str, int]) -> None:
        self.free = free
        self._held = Counter(held)

    def copy(self) -> "Shares":
        """The same, to go on counting apart: a step that is rolled back has taken nothing."""
        return Shares(self.free, self._held)

    def finish(self, job: Claimed) -> None:
        """Its slot is free again."""
        self.free += 1
        self._held.subtract(sharers(job))

    def take(self, job: Claimed) -> bool:
        """Give it a slot; False when its scope has its share."""
        if job.scope is not None and self._held[job.scope] >= self.free:
            return False
        self.free -= 1
        self._held.update(sharers(job))
        return True

    def room(self, sharer: str) -> int:
        """How many more this one may take."""
        return max(0, (self.free - self._held[sharer] + 1) // 2)

    def full(self) -> list[str]:
        """The scopes that have their share."""
        return [name for name, count in self._held.items() if name != BULK and count and count >= self.free]
