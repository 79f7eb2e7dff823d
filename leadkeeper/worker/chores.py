"""What a worker looks after besides its jobs: one read when something may have changed, and a write where it found something."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from leadkeeper import clock
from leadkeeper.config import Settings
from leadkeeper.crashpoints import point
from leadkeeper.queue import control, timers
from leadkeeper.queue.claim import lonely_due
from leadkeeper.queue.leases import MOST, rescue, take_orphans
from leadkeeper.queue.rows import processing
from leadkeeper.queue.sweep import headless, sweep
from leadkeeper.store import settings_rows
from leadkeeper.store.calls import Turn
from leadkeeper.store.database import Database
from leadkeeper.store.prepared import Prepared
from leadkeeper.store.schema import jobs
from leadkeeper.worker.drift import Drift
from leadkeeper.worker.identity import Identity


@dataclass(frozen=True, slots=True)
class Standing:
    """What the rows say this worker should do now."""

    state: control.State
    lonely: bool
    cancelled: list[int]
    lease_ends: datetime | None
    """when the first lease of any running job runs out"""
    next_slot: datetime | None
    headless: bool
    timezone: str | None

    @property
    def changes_at(self) -> datetime | None:
        """When there is something to do though nobody signals it."""
        return min((at for at in (self.lease_ends, self.next_slot) if at is not None), default=None)


class Chores:
    """Rescue, recurring work, the sweep; and the hold of WORKER_AUTO_START=false."""

    def __init__(self, db: Database, settings: Settings, identity: Identity, boot: str) -> None:
        self._db = db
        self._settings = settings
        self._identity = identity
        self._boot = boot
        self._drift = Drift(settings.lease_seconds)
        self._starts_at_boot = 0
        self._timezone: str | None = None

    async def arrive(self) -> None:
        """At boot: if held, remember how often Start was chosen; and take over what the dead of this host left."""
        if self._settings.worker_auto_start is False:
            self._starts_at_boot = await self._db.write(control.starts_at_boot, self._boot)
        await self.bury_the_dead()

    async def bury_the_dead(self) -> bool:
        """Workers of this host whose lock is free are dead: no longer told as alive, their jobs orphans at once.

        True when there were such jobs.
        """
        dead = self._identity.dead()
        found = False
        while dead and (taken := await self._db.write_in(Turn.STEP, take_orphans, dead)):
            found = True
            if taken < MOST:
                break
        point("boot.orphans_taken")
        if dead:
            await self._db.write(control.sign_off, *dead)
        point("boot.signed_off")
        self._identity.bury(dead)
        return found

    async def look(self) -> Standing:
        """One look at the rows."""
        return await self._db.read(self._standing)

    async def work(self, standing: Standing, holding: Collection[int]) -> bool:
        """Do what is due; True when there may be new jobs to claim."""
        found = await self.bury_the_dead()
        trusted, now = self._drift.trusted(), clock.now()
        if standing.lease_ends is not None and standing.lease_ends < now and trusted:
            found = bool(await self._db.write_in(Turn.STEP, rescue, self._identity.id, holding)) or found
        if standing.timezone != self._timezone:
            await self._db.write(self._move_timers)
            self._timezone = standing.timezone
        if standing.next_slot is not None and standing.next_slot <= now and standing.state == "running":
            found = bool(await self._db.write(self._tick)) or found
        if standing.headless:
            found = bool(await self._db.write(sweep)) or found
        return found

    def _standing(self, conn: Connection) -> Standing:
        return Standing(
            state=self._state(conn),
            lonely=lonely_due(conn),
            cancelled=_CANCELLED.scalars(conn, worker=self._identity.id),
            lease_ends=_LEASE_ENDS.scalar(conn),
            next_slot=timers.next_slot(conn),
            headless=bool(headless(conn)),
            timezone=settings_rows.get(conn, "timezone"),
        )

    def _state(self, conn: Connection) -> control.State:
        held = self._settings.worker_auto_start is False and control.starts(conn) <= self._starts_at_boot
        return "stopped" if held else control.desired(conn)

    def _move_timers(self, conn: Connection) -> None:
        """Another time zone was chosen: the coming slots are its wall times."""
        timers.ensure(conn, (), settings_rows.current(conn, self._settings).zone)

    def _tick(self, conn: Connection) -> list[int]:
        return timers.tick(conn, settings_rows.current(conn, self._settings).zone)


_CANCELLED = Prepared(select(jobs.c.id).where(processing(), jobs.c.worker == bindparam("worker"), jobs.c.cancel_requested))
_LEASE_ENDS = Prepared(select(func.min(jobs.c.lease_until)).where(processing()))
