"""What a worker needs of the story above it: a context for each job, and nothing more."""

from collections.abc import Callable
from typing import Protocol

from leadkeeper.queue.jobs import Claimed


class Toolbox(Protocol):
    """Makes the context a handler gets. `still_ours(seconds)`: our lease has at least that much left."""

    def context(self, job: Claimed, still_ours: Callable[[float], bool]) -> object:
        """The context of one job."""

    async def close(self) -> None:
        """Give up what the contexts shared; called once, in the worker's loop, when it ends."""
