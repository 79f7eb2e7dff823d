"""Wall clock against monotonic clock: a worker whose clock has jumped must not judge leases."""

from leadkeeper import clock

TOLERANCE = 2.0
"""Seconds the two may part between two looks."""


class Drift:
    """Knows whether this worker may believe its wall clock about other workers' leases."""

    def __init__(self, lease_seconds: float) -> None:
        self._lease = lease_seconds
        self._difference = self._now()
        self._quiet_until = 0.0

    def trusted(self) -> bool:
        """False for one lease after the clocks parted by more than TOLERANCE. Look often."""
        difference = self._now()
        if abs(difference - self._difference) > TOLERANCE:
            self._quiet_until = clock.monotonic() + self._lease
        self._difference = difference
        return clock.monotonic() >= self._quiet_until

    @staticmethod
    def _now() -> float:
        return clock.now().timestamp() - clock.monotonic()
