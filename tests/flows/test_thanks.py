"""A bare thanks needs no answer and no person."""

from pathlib import Path

from leadkeeper.store.database import Database
from tests.flows.town import town


async def test_a_thanks_after_an_answer_is_silent_on_purpose(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await place.says("971500000001", "Where is your office?")
        await place.idle()
        await place.says("971500000001", "Thank you so much 🙏")
        await place.idle()

        assert await place.decided() == [("answered", "documents"), ("silent", "thanks")]
        assert len(await place.sent()) == 1
