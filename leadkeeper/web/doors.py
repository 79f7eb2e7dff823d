"""Which accounts may be written to from outside, with their secrets: read from the rows, kept for seconds."""

from collections.abc import Sequence

from leadkeeper import clock
from leadkeeper.crm import accounts
from leadkeeper.crm.accounts import Account
from leadkeeper.secretbox import SecretBox
from leadkeeper.store.database import Database

REREAD_SECONDS = 5.0


class Doors:
    """The accounts of each channel; our own changes are seen at once, other processes' after five seconds."""

    def __init__(self, db: Database, box: SecretBox) -> None:
        self._db = db
        self._box = box
        self._known: dict[str, tuple[float, Sequence[Account]]] = {}
        db.listen(self._heard)

    async def of(self, channel: str) -> Sequence[Account]:
        """Every account of a channel that is not switched off."""
        known = self._known.get(channel)
        if known is not None and clock.monotonic() - known[0] < REREAD_SECONDS:
            return known[1]
        read_at = clock.monotonic()
        found = await self._db.read(accounts.of_channel, self._box, channel)
        self._known[channel] = (read_at, found)
        return found

    def forget(self) -> None:
        """Read the rows again at the next question: for whoever has just changed them."""
        self._known.clear()

    def _heard(self, topics: frozenset[str]) -> None:
        if topics & {"channels", "*"}:
            self._known.clear()
