"""What this worker holds: its claimed jobs, and until when by two clocks each is surely ours."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from leadkeeper import clock
from leadkeeper.queue.jobs import Claimed
from leadkeeper.queue.shares import sharers


@dataclass(frozen=True, slots=True)
class Lease:
    """The end of a lease, believed only from the commit that wrote it.

    Both clocks are read before its statement: the monotonic one survives jumps of the wall
    clock, the wall clock a machine that slept.
    """

    ticks: float
    moment: datetime

    @classmethod
    def beginning_now(cls, length: timedelta) -> "Lease":
        """A lease of `length` from this moment."""
        return cls(clock.monotonic() + length.total_seconds(), clock.now() + length)

    def has_left(self, seconds: float) -> bool:
        """True when at least `seconds` of it are left."""
        return self.ticks - clock.monotonic() >= seconds and self.moment - clock.now() >= timedelta(seconds=seconds)


class Held:
    """The jobs in our hands by id; `shared`: how many of them each sharer has. Read by the thread that renews, changed
    by the worker's loop."""

    def __init__(self) -> None:
        self._claims: dict[int, int] = {}
        self._leases: dict[int, Lease] = {}
        self.shared: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._claims)

    def add(self, jobs: Iterable[Claimed], lease: Lease) -> None:
        """Jobs just claimed. One that we lost and have again, before its first end was heard of, is one job."""
        for job in jobs:
            if job.id not in self._claims:
                self.shared.update(sharers(job))
            self._leases[job.id] = lease
            self._claims[job.id] = job.claim

    def drop(self, job: Claimed) -> None:
        """This claim is finished, given back or lost."""
        if self._claims.get(job.id) == job.claim:
            del self._claims[job.id]
            self._leases.pop(job.id, None)
            for sharer in sharers(job):
                self.shared[sharer] -= 1

    def claim_of(self, job_id: int) -> int | None:
        """The claim number we hold a job by."""
        return self._claims.get(job_id)

    def pairs(self) -> list[tuple[int, int]]:
        """Every (id, claim) we hold."""
        return list(self._claims.items())

    def ids(self) -> list[int]:
        """Every id we hold."""
        return list(self._claims)

    def renewed(self, pairs: Iterable[tuple[int, int]], lease: Lease) -> None:
        """These were renewed, and that is committed."""
        for job_id, claim in pairs:
            if self._claims.get(job_id) == claim:
                self._leases[job_id] = lease

    def still_ours(self, job: Claimed, seconds: float) -> bool:
        """True when the lease of this very claim has at least `seconds` left."""
        lease = self._leases.get(job.id)
        return self._claims.get(job.id) == job.claim and lease is not None and lease.has_left(seconds)
