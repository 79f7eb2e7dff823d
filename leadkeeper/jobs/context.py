"""What a job handler gets to work with."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx2
from sqlalchemy import Connection

from leadkeeper.config import Settings
from leadkeeper.knowledge.index import SearchIndex
from leadkeeper.queue.jobs import Claimed
from leadkeeper.secretbox import SecretBox
from leadkeeper.store import settings_rows
from leadkeeper.store.database import Database


@dataclass(frozen=True, slots=True)
class JobContext:
    """One job and its tools. `still_ours(seconds)`: our lease has at least that much left."""

    db: Database
    job: Claimed
    base: Settings
    http: httpx2.AsyncClient
    box: SecretBox
    index: SearchIndex
    still_ours: Callable[[float], bool]

    def settings(self, conn: Connection) -> Settings:
        """The settings in force, the database's included."""
        return settings_rows.current(conn, self.base)

    @property
    def media_dir(self) -> Path:
        """Where fetched media are kept."""
        return self.base.data_dir / "media"


@dataclass(frozen=True, slots=True)
class Toolbox:
    """What the jobs of one worker share."""

    db: Database
    settings: Settings
    http: httpx2.AsyncClient
    box: SecretBox
    index: SearchIndex

    def context(self, job: Claimed, still_ours: Callable[[float], bool]) -> JobContext:
        """The context of one job."""
        return JobContext(self.db, job, self.settings, self.http, self.box, self.index, still_ours)

    async def close(self) -> None:
        """Close the connections to providers; called in the worker's own loop when it ends."""
        await self.http.aclose()
