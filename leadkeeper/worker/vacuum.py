"""PostgreSQL's dead rows: each job leaves three, and a claim walks over those of the jobs before it.

Its own autovacuum comes once a minute: behind a burst that is a million dead rows, and a third of the speed.
"""

import asyncio
import logging
from collections.abc import Callable

from leadkeeper.store.database import Database
from leadkeeper.worker.failure import is_outage

log = logging.getLogger(__name__)

EVERY_JOBS = 50_000
LOOK_SECONDS = 1.0


class Vacuum:
    """Has the table of jobs swept whenever this worker has finished `EVERY_JOBS` more; `finished()` counts them."""

    def __init__(self, db: Database, finished: Callable[[], int]) -> None:
        self._db = db
        self._finished = finished

    async def run(self) -> None:
        """Until cancelled. On SQLite there is nothing to do: a row that is deleted is gone."""
        swept = 0
        while self._db.dialect == "postgresql":
            await asyncio.sleep(LOOK_SECONDS)
            if self._finished() - swept < EVERY_JOBS:
                continue
            swept = self._finished()
            try:
                await asyncio.to_thread(self._db.vacuum, "automation_jobs")
            except Exception as error:
                if not is_outage(error):
                    log.error("the table of jobs could not be swept", exc_info=error)
