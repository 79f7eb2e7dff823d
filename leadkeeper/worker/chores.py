"""What a worker looks after besides its jobs: once a second one read, and a write where it found something."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from leadkeeper import clock
from leadkeeper.config import Settings
from leadkeeper.queue import control, timers
from leadkeeper.queue.claim import lonely_due
from leadkeeper.queue.leases import MOST, rescue, take_orphans
from leadkeeper.queue.rows import processing
from leadkeeper.queue.sweep import sweep
from leadkeeper.store import settings_rows
from leadkeeper.store.calls import Turn
from leadkeeper.store.database import Database
from leadkeeper.store.schema import jobs
from leadkeeper.worker.drift import Drift
from leadkeeper.worker.identity import Identity

SWEEP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Standing:
    """What the rows say this worker should do now."""

    state: control.State
    lonely: bool
    cancelled: list[int]
    expired: bool
    timer_due: bool


class Chores:
    """Rescue, recurring work, the sweep; and the hold of WORKER_AUTO_START=false."""

    def __init__(self, db: Database, settings: Settings, identity: Identity, boot: str) -> None:
        self._db = db
        self._settings = settings
        self._identity = identity
        self._boot = boot
        self._drift = Drift(settings.lease_seconds)
        self._starts_at_boot = 0
        self._swept_at = clock.monotonic()

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
        if dead:
            await self._db.write(control.sign_off, *dead)
        self._identity.bury(dead)
        return found

    async def look(self) -> Standing:
        """One look at the rows."""
        return await self._db.read(self._standing)

    async def work(self, standing: Standing, holding: Collection[int]) -> bool:
        """Do what is due; True when there may be new jobs to claim."""
        found = await self.bury_the_dead()
        trusted = self._drift.trusted()
        if standing.expired and trusted:
            found = bool(await self._db.write_in(Turn.STEP, rescue, self._identity.id, holding)) or found
        if standing.timer_due and standing.state == "running":
            found = bool(await self._db.write(self._tick)) or found
        if clock.monotonic() - self._swept_at >= SWEEP_SECONDS:
            self._swept_at = clock.monotonic()
            found = bool(await self._db.write(sweep)) or found
        return found

    def _standing(self, conn: Connection) -> Standing:
        mine = jobs.c.worker == self._identity.id
        cancelled = select(jobs.c.id).where(processing(), mine, jobs.c.cancel_requested)
        return Standing(
            state=self._state(conn),
            lonely=lonely_due(conn),
            cancelled=list(conn.execute(cancelled).scalars()),
            expired=_exists(conn, processing(), jobs.c.lease_until < clock.now()),
            timer_due=timers.due(conn),
        )

    def _state(self, conn: Connection) -> control.State:
        held = self._settings.worker_auto_start is False and control.starts(conn) <= self._starts_at_boot
        return "stopped" if held else control.desired(conn)

    def _tick(self, conn: Connection) -> list[int]:
        return timers.tick(conn, settings_rows.current(conn, self._settings).zone)


def _exists(conn: Connection, *where: ColumnElement[Any]) -> bool:
    return conn.execute(select(jobs.c.id).where(*where).limit(1)).first() is not None
