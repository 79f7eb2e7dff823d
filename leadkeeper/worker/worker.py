"""A worker's thread: its own event loop, so that web and worker can live in one process."""

import asyncio
import logging
import threading

import uvloop

from leadkeeper.config import Settings
from leadkeeper.queue.handlers import job_types
from leadkeeper.queue.prune import KEPT, Kept
from leadkeeper.store import hints
from leadkeeper.store.database import Database
from leadkeeper.worker.boot import Boot, watch_supervisor
from leadkeeper.worker.identity import Identity
from leadkeeper.worker.shift import Shift
from leadkeeper.worker.toolbox import Toolbox

log = logging.getLogger(__name__)

GRACE = 30.0
"""Seconds a stopping worker lets its running jobs end before it gives them back."""


class Worker:
    """Runs jobs from `start` to `stop`, as far as the desired state allows. `grace` is in seconds.

    `kept`: how long finished jobs stay.
    """

    def __init__(self, db: Database, settings: Settings, toolbox: Toolbox, *, grace: float = GRACE, kept: Kept = KEPT) -> None:
        self._db = db
        self._settings = settings
        self._toolbox = toolbox
        self._grace = grace
        self._kept = kept
        self._identity = Identity(settings.data_dir)
        self._arrived = threading.Event()
        self._stop_asked = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._shift: Shift | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="leadkeeper-worker", daemon=True)

    @property
    def id(self) -> str:
        """This worker's uuid, fresh at every boot."""
        return self._identity.id

    @property
    def error(self) -> BaseException | None:
        """What the worker died of; None while it lives and after an orderly end."""
        return self._error

    def is_alive(self) -> bool:
        """True while the worker's thread runs."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start the thread; the worker registers itself as soon as the database answers."""
        job_types.load()
        watch_supervisor(Boot.of_this_process())
        self._thread.start()

    def wait_until_arrived(self, seconds: float) -> bool:
        """True once the worker is registered; False when it is not within `seconds`, or died."""
        return self._arrived.wait(seconds) and self._error is None

    def wait_until_gone(self) -> None:
        """Return when the worker has ended, whatever it ended of."""
        self._thread.join()

    def stop(self) -> None:
        """End in an orderly way and wait for it: running jobs get the grace, the rest is given back."""
        self._stop_asked.set()
        loop, shift = self._loop, self._shift
        if loop is not None and shift is not None and not loop.is_closed():
            loop.call_soon_threadsafe(shift.stop)
        self._thread.join()

    def _run(self) -> None:
        deaf = hints.start(self._db)
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._main())
        except BaseException as error:
            self._error = error
            log.critical("the worker has died", exc_info=error)
        finally:
            deaf()
            self._identity.give_up()
            self._arrived.set()

    async def _main(self) -> None:
        shift = Shift(self._db, self._settings, self._toolbox, self._identity, self._grace, self._kept)
        self._shift, self._loop = shift, asyncio.get_running_loop()
        try:
            if not self._stop_asked.is_set():
                await shift.run(self._arrived.set)
        finally:
            await self._toolbox.close()
