"""Which accounts may be written to from outside, with their secrets: read from the rows, kept for seconds."""

import asyncio
from collections.abc import Sequence

from leadkeeper.crm import accounts
from leadkeeper.crm.accounts import Account
from leadkeeper.secretbox import SecretBox
from leadkeeper.store.database import Database
from leadkeeper.web.freshness import Freshness


class Doors:
    """The accounts of each channel; our own changes are seen at once, other processes' after five seconds at most."""

    def __init__(self, db: Database, box: SecretBox) -> None:
        self._db = db
        self._box = box
        self._doors: dict[str, _Door] = {}
        db.listen(self._heard)

    async def of(self, channel: str) -> Sequence[Account]:
        """Every account of a channel that is not switched off."""
        door = self._doors.get(channel)
        if door is None:
            door = self._doors[channel] = _Door(self._db, self._box, channel)
        if door.known is not None and not door.fresh.is_over():
            return door.known
        return await door.read()

    def forget(self) -> None:
        """Read the rows again at the next question: for whoever has just changed them."""
        for door in list(self._doors.values()):
            door.forget()

    def _heard(self, topics: frozenset[str]) -> None:
        for door in list(self._doors.values()):
            if "channels" in topics:
                door.forget()
            door.fresh.hear(topics)


class _Door:
    """The accounts of one channel."""

    def __init__(self, db: Database, box: SecretBox, channel: str) -> None:
        self.known: Sequence[Account] | None = None
        self.fresh = Freshness({"channels"})
        self._db = db
        self._box = box
        self._channel = channel
        self._reading: asyncio.Task[Sequence[Account]] | None = None

    def forget(self) -> None:
        """They have changed."""
        self.fresh.end()
        self.known = None

    async def read(self) -> Sequence[Account]:
        """The accounts as they are now; one reading serves all who ask until something has changed since it began."""
        reading = self._reading
        if reading is None or reading.done() or self.fresh.is_over():
            self.fresh.begin()
            reading = self._reading = asyncio.create_task(self._read())
        return await asyncio.shield(reading)

    async def _read(self) -> Sequence[Account]:
        try:
            found = await self._db.read(accounts.of_channel, self._box, self._channel)
        except BaseException:
            self.fresh.end()
            raise
        if self._reading is asyncio.current_task():
            self.known = found
        return found
