"""A worker at work: from its arrival, through starts and stops, to leaving with nothing in hand."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from leadkeeper import clock
from leadkeeper.config import Settings
from leadkeeper.crashpoints import point
from leadkeeper.queue import control
from leadkeeper.queue.jobs import Claimed
from leadkeeper.queue.leases import release
from leadkeeper.queue.prune import Kept
from leadkeeper.store.database import Database
from leadkeeper.worker.boot import Boot
from leadkeeper.worker.chores import Chores, Standing
from leadkeeper.worker.failure import is_outage
from leadkeeper.worker.heart import Heart
from leadkeeper.worker.identity import Identity
from leadkeeper.worker.pump import Pump
from leadkeeper.worker.retention import Retention
from leadkeeper.worker.toolbox import Toolbox
from leadkeeper.worker.vacuum import Vacuum

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.8
"""Between looks at the rows while something is going on that nobody signals."""
LEAVE_SECONDS = 5.0
"""How long a leaving worker tries to reach the database; after that the leases run out by themselves."""


class Shift:
    """The life of one worker inside its event loop. `grace` is in seconds."""

    def __init__(self, db: Database, settings: Settings, toolbox: Toolbox, identity: Identity, grace: float, kept: Kept) -> None:
        self._db = db
        self._me = identity.id
        self._grace = grace
        self._poll = settings.poll_seconds
        self._pump = Pump(db, settings, toolbox, identity.id)
        self._chores = Chores(db, settings, identity, Boot.of_this_process().id)
        self._heart = Heart(db, settings, self._pump, asyncio.get_running_loop())
        self._retention = Retention(db, kept, lambda: self._pump.claiming)
        self._vacuum = Vacuum(db, lambda: self._pump.finished)
        self._changed = asyncio.Event()
        self._stopping = False
        self._stopped_since: float | None = None

    def stop(self) -> None:
        """Leave. Call it in the loop."""
        self._stopping = True
        self._changed.set()

    async def run(self, arrived: Callable[[], None]) -> None:
        """Work until `stop`; `arrived` is called once the worker is registered."""
        loop = asyncio.get_running_loop()
        deaf = self._db.listen(lambda topics: _call(loop, self._heard, topics))
        still = self._heart.begin()
        pumping = asyncio.create_task(self._pump.run())
        sweeping = [asyncio.create_task(each.run()) for each in (self._retention, self._vacuum)]
        try:
            await self._until_done(self._chores.arrive)
            await self._until_done(lambda: self._db.write(self._heart.beat))
            point("boot.arrived")
            arrived()
            while not self._stopping:
                if pumping.done():
                    pumping.result()
                await self._round()
            await self._leave(pumping)
        finally:
            deaf()
            still()
            for each in sweeping:
                each.cancel()
            pumping.cancel()

    def _heard(self, topics: frozenset[str]) -> None:
        if topics & {"jobs", "*"}:
            self._pump.wake()
        if topics & {"worker", "cancel", "settings", "*"}:
            self._changed.set()

    async def _round(self) -> None:
        """One look at the rows and what follows from it, then wait for the next."""
        wait = LOOK_SECONDS
        try:
            standing = await self._chores.look()
            await self._obey(standing)
            if await self._chores.work(standing, self._pump.held.ids()):
                self._pump.wake()
            else:
                wait = self._until_change(standing)
        except Exception as error:
            if not is_outage(error):
                log.error("a chore failed and is repeated", exc_info=error)
        await self._pause(wait)

    def _until_change(self, standing: Standing) -> float:
        """Seconds that may pass without a look, at most POLL_SECONDS; a choice, a cancel or another process ends them."""
        if self._heart.state == "stopping":
            return LOOK_SECONDS
        if standing.changes_at is None:
            return self._poll
        left = (standing.changes_at - clock.now()).total_seconds()
        return min(left, self._poll) if left > 0 else LOOK_SECONDS

    async def _obey(self, standing: Standing) -> None:
        if standing.lonely and not self._pump.lonely:
            self._pump.lonely = True
            self._pump.wake()
        if standing.cancelled:
            self._pump.cancelled(standing.cancelled)
        if standing.state == "running":
            self._stopped_since = None
            if not self._pump.claiming:
                self._pump.claiming = True
                self._pump.wake()
            await self._say("running")
        else:
            await self._stand_still()

    async def _stand_still(self) -> None:
        """Claim nothing; give back at once what was not started, and after the grace what still runs."""
        self._pump.pause()
        if self._stopped_since is None:
            self._stopped_since = clock.monotonic()
        await self._give_back(self._pump.unstarted())
        if clock.monotonic() - self._stopped_since > self._grace:
            await self._give_back(self._pump.give_up())
        await self._say("stopping" if len(self._pump.held) else "stopped")

    async def _say(self, state: str) -> None:
        """Write the new state at once instead of with the next beat."""
        if self._heart.state != state:
            self._heart.state = state
            self._heart.believe(await self._db.write(self._heart.beat))

    async def _leave(self, pumping: "asyncio.Task[None]") -> None:
        since = clock.monotonic()
        self._pump.pause()
        self._heart.state = "stopping"
        await self._at_last(lambda: self._give_back(self._pump.unstarted()))
        await self._at_last(lambda: self._db.write(self._heart.beat))
        while len(self._pump.held) and clock.monotonic() - since < self._grace:
            self._changed.clear()
            await self._pause(0.05)
            await self._at_last(lambda: self._give_back(self._pump.unstarted()))
        await self._at_last(lambda: self._give_back(self._pump.give_up()))
        self._pump.end()
        await self._at_last(lambda: pumping)
        await self._at_last(lambda: self._db.write(control.sign_off, self._me))

    async def _give_back(self, jobs: Sequence[Claimed]) -> None:
        if not jobs:
            return
        pairs = [(job.id, job.claim) for job in jobs]
        try:
            await self._db.write(release, pairs)
        finally:
            self._pump.gave_back(jobs)

    async def _until_done(self, work: Callable[[], Awaitable[object]]) -> None:
        """Repeat `work` while the database is away; gives up only when told to stop."""
        while not self._stopping:
            try:
                await work()
                return
            except Exception as error:
                if not is_outage(error):
                    raise
                log.warning("the database is away", exc_info=error)
                await self._pause(LOOK_SECONDS)

    async def _at_last(self, work: Callable[[], Awaitable[object]]) -> None:
        """A last act of a leaving worker: its failure must not keep it here."""
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await work()
        except Exception as error:
            log.warning("leaving without a last act", exc_info=error)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()


def _call(loop: asyncio.AbstractEventLoop, fn: Callable[[frozenset[str]], None], topics: frozenset[str]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(fn, topics)
