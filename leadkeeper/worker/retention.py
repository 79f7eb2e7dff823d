"""A working worker's broom: finished jobs leave in small batches, between the steps."""

import asyncio
import logging
from collections.abc import Callable

from sqlalchemy import Connection

from leadkeeper import clock
from leadkeeper.queue.minutes import fold
from leadkeeper.queue.prune import Kept, Pruned, prune
from leadkeeper.store.database import Database
from leadkeeper.worker.failure import is_outage

log = logging.getLogger(__name__)

REST = 1.0
"""A batch is followed by a rest of so many times its own length: others write then."""


class Retention:
    """Looks every `kept.look`, and goes on until nothing is too old. Nothing leaves unless `works()`."""

    def __init__(self, db: Database, kept: Kept, works: Callable[[], bool]) -> None:
        self._db = db
        self._kept = kept
        self._works = works

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            await asyncio.sleep(self._kept.look.total_seconds())
            try:
                if self._works():
                    await self.sweep()
            except Exception as error:
                if not is_outage(error):
                    log.error("finished jobs could not be pruned", exc_info=error)

    async def sweep(self) -> int:
        """Delete what is too old; how many jobs that were."""
        await self._db.write(fold)
        pruned, seconds = await self._db.write(self._batch, Pruned())
        while pruned.full and self._works():
            await asyncio.sleep(seconds * REST)
            pruned, seconds = await self._db.write(self._batch, pruned)
        return pruned.count

    def _batch(self, conn: Connection, so_far: Pruned) -> tuple[Pruned, float]:
        """One batch, and how many seconds it took at the database."""
        began = clock.monotonic()
        return prune(conn, self._kept, so_far), clock.monotonic() - began
