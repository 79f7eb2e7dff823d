"""What the requests of one process share: the database, the settings in force, the live streams."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import httpx2
from sqlalchemy import Connection

from leadkeeper.channels.webchat import ACCOUNT as CHAT
from leadkeeper.config import Settings, source_of
from leadkeeper.crm import accounts
from leadkeeper.errors import Unavailable
from leadkeeper.secretbox import SecretBox
from leadkeeper.store import room, settings_rows
from leadkeeper.store.database import Database
from leadkeeper.web.doors import Doors
from leadkeeper.web.freshness import Freshness
from leadkeeper.web.live import Live

if TYPE_CHECKING:
    from leadkeeper.knowledge.index import SearchIndex

PATIENCE_SECONDS = 1.0
"""A request waits this long for settings to be read anew: a database may also hang instead of failing."""

SHOWN = frozenset({"worker", "channels", "settings", "inbox", "*"})
"""Signals after which the frame's snapshot is read again at once; jobs come too often for that."""


class Site:
    """One running web app. `worker` is whatever the process embeds beside it, for the routes that want it."""

    def __init__(self, db: Database, settings: Settings, box: SecretBox, worker: object = None) -> None:
        self.db = db
        self.box = box
        self.worker = worker
        self.live = Live(db)
        self.doors = Doors(db, box)
        self.room = room.beside(db, settings)
        self.snapshot: tuple[float, Any] | None = None
        self.client: Callable[[], httpx2.AsyncClient] = httpx2.AsyncClient
        """Makes a client for one call to somebody else's server: a live check, a model tried out."""
        self.describe: Callable[[], dict[str, Any]] = dict
        self._base = settings
        self._current = settings
        self._fresh = Freshness({"settings"})
        self._reading: asyncio.Task[None] | None = None
        self._chat: int | None = None
        self._unlisten = db.listen(self._heard)

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The OpenAPI document; made when somebody asks, since it would make every start slower."""
        return self.describe()

    @cached_property
    def index(self) -> "SearchIndex":
        """The process's search index (the worker's, where one lives beside us). Refresh it before a search."""
        from leadkeeper.knowledge.index import SearchIndex

        return SearchIndex()

    def source(self, name: str, rows: Mapping[str, Any]) -> str:
        """Where the value in force of a setting comes from: environment, database or default."""
        return source_of(self._base, name, rows)

    def reread(self) -> None:
        """Read settings and frame anew at their next use: whoever changed them is shown what they did."""
        self._fresh.end()
        self.snapshot = None

    async def settings(self) -> Settings:
        """The settings in force: the process's own, then the database's. Our own changes are seen at once.

        While the database does not answer the last known ones serve: /healthz and the error page need none.
        """
        if self._fresh.is_over():
            self._fresh.begin()
            if self._reading is None or self._reading.done():
                self._reading = asyncio.create_task(self._read_settings())
            await asyncio.wait({self._reading}, timeout=PATIENCE_SECONDS)
            if self._reading.done():
                self._reading.result()
        return self._current

    async def _read_settings(self) -> None:
        with contextlib.suppress(Unavailable):
            self._current = await self.db.read(settings_rows.current, self._base)

    async def chat_account(self) -> int:
        """The id of the account behind our own web chat."""
        if self._chat is None:
            self._chat = await self.db.write(_chat_account)
        return self._chat

    def close(self) -> None:
        """End the streams and stop listening."""
        self.live.close()
        self._unlisten()

    def _heard(self, topics: frozenset[str]) -> None:
        self._fresh.hear(topics)
        if topics & SHOWN:
            self.snapshot = None


def _chat_account(conn: Connection) -> int:
    return accounts.ensure(conn, "webchat", CHAT, "Web chat")
