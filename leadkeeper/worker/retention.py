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

MOST, LEAST = 1_000, 100
"""Jobs of one batch."""
BATCH_SECONDS = 0.010
"""What a batch may take at the database before its commit: about so long others wait. The next one is sized by it."""


class Retention:
    """Looks every `kept.look`, and goes on until nothing is too old. Nothing leaves unless `works()`."""

    def __init__(self, db: Database, kept: Kept, works: Callable[[], bool]) -> None:
        self._db = db
        self._kept = kept
        self._works = works
        self._most = MOST

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            await asyncio.sleep(self._kept.look.total_seconds())
            try:
                if self._works():
                    await self._sweep()
            except Exception as error:
                if not is_outage(error):
                    log.error("finished jobs could not be pruned", exc_info=error)

    async def _sweep(self) -> None:
        await self._db.write(fold)
        pruned = Pruned(full=True)
        while pruned.full and self._works():
            pruned, began, took = await self._db.write(self._batch, pruned)
            self._most = min(MOST, max(LEAST, int(self._most * BATCH_SECONDS / took)))
            await asyncio.sleep((clock.monotonic() - began) * self._kept.rest)

    def _batch(self, conn: Connection, before: Pruned) -> tuple[Pruned, float, float]:
        """One batch, when its turn came, and the seconds it took. Its commit is not its own: on SQLite others' work is in it."""
        began = clock.monotonic()
        return prune(conn, self._kept, self._most, before), began, clock.monotonic() - began
