"""Claimed `def` jobs that wait for a step: the most urgent first, yet every tenth the oldest."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime
from heapq import heappop, heappush

from leadkeeper.queue.claim import OLDEST_EVERY
from leadkeeper.queue.jobs import Claimed


class Ready:
    """Jobs in our hands that have not been started."""

    def __init__(self) -> None:
        self._heap: list[tuple[tuple[int, datetime, int], int, Claimed]] = []
        self._arrivals: deque[Claimed] = deque()
        self._waiting: dict[int, Claimed] = {}
        self._picked = 0
        self._added = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, jobs: Iterable[Claimed]) -> None:
        """Jobs just claimed, or taken but not run."""
        for job in jobs:
            self._added += 1
            heappush(self._heap, (job.urgency(), self._added, job))
            self._arrivals.append(job)
            self._waiting[job.id] = job

    def take(self, most: int) -> list[Claimed]:
        """Up to `most` jobs in the order they should run."""
        taken: list[Claimed] = []
        while self._waiting and len(taken) < most:
            oldest = (self._picked + 1) % OLDEST_EVERY == 0
            job = self._arrivals.popleft() if oldest else heappop(self._heap)[2]
            if self._waiting.get(job.id) is job:
                del self._waiting[job.id]
                taken.append(job)
                self._picked += 1
        if not self._waiting:
            self._heap.clear()
            self._arrivals.clear()
        return taken

    def remove(self, job_id: int) -> Claimed | None:
        """Take one job out, wherever it stands."""
        return self._waiting.pop(job_id, None)
