"""Heartbeat and lease renewal in one small write, repeated by the database's own thread.

The event loop may be blocked for a minute: the leases are renewed all the same.
"""

import os
import socket
from asyncio import AbstractEventLoop
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from leadkeeper import __version__, clock
from leadkeeper.config import Settings
from leadkeeper.queue.control import WorkerRow, beat
from leadkeeper.queue.leases import Renewed, renew
from leadkeeper.store.database import Database
from leadkeeper.worker.held import Lease
from leadkeeper.worker.pump import Pump

BEATS_PER_LEASE = 3
SLOWEST = 5.0
"""Seconds: a heartbeat is fresh for 15."""


@dataclass(frozen=True, slots=True)
class Pulse:
    """What one beat asked for and got."""

    asked: list[tuple[int, int]]
    renewed: Renewed
    lease: Lease


class Heart:
    """Beats for one worker. `state` is what it says of itself."""

    def __init__(self, db: Database, settings: Settings, pump: Pump, loop: AbstractEventLoop) -> None:
        self.state = "stopped"
        self._db = db
        self._pump = pump
        self._loop = loop
        self._lease = timedelta(seconds=settings.lease_seconds)
        self._started_at = clock.now()

    def begin(self) -> Callable[[], None]:
        """Beat until the returned function is called."""
        return self._db.every(min(SLOWEST, self._lease.total_seconds() / BEATS_PER_LEASE), self.beat, self.believe)

    def beat(self, conn: Connection) -> Pulse:
        """Renew every lease and say that this worker is alive."""
        lease = Lease.beginning_now(self._lease)
        asked = self._pump.held.pairs()
        self._db.anchor_clock(conn)
        renewed = renew(conn, asked, self._lease)
        beat(conn, self._row(len(asked)))
        return Pulse(asked, renewed, lease)

    def believe(self, pulse: Pulse) -> None:
        """The beat is committed: what was renewed is ours for another lease, the rest is lost."""
        self._pump.held.renewed(pulse.renewed.held, pulse.lease)
        lost = set(pulse.asked) - set(pulse.renewed.held)
        if (lost or pulse.renewed.cancelled) and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._pump.lost, lost)
            self._loop.call_soon_threadsafe(self._pump.cancelled, pulse.renewed.cancelled)

    def _row(self, running: int) -> WorkerRow:
        now = clock.now()
        host = socket.gethostname()
        me, late = self._pump.me, self._pump.late
        return WorkerRow(me, host, os.getpid(), __version__, self.state, running, late, self._started_at, now)
