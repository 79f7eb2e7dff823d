"""A rule that answers by itself: its text is the answer, and nobody else speaks."""

from pathlib import Path

from leadkeeper.rules import book
from leadkeeper.store.database import Database
from tests.flows.town import town

SARA = "971500000001"
PARKING = {
    "key": "parking",
    "name": "Parking",
    "trigger": {"kind": "message.received"},
    "when": {"all": [{"fact": "message.text", "containsAny": ["parking"]}]},
    "do": [{"action": "send_text", "text": {"en": "Park behind the house, {name}."}}],
}


async def test_a_rules_own_text_answers_the_message_and_the_documents_are_not_asked(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await place.db.write(book.save, PARKING)

        await place.says(SARA, "Is there parking at your office?")
        await place.idle()

        assert await place.sent() == ["Park behind the house, Sara."]
        assert await place.decided() == [("answered", "parking")]
        (row,) = await place.outbound()
        assert (row.author, row.purpose) == ("rule", "reply")
