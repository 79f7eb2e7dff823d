"""A customer's number or id changes: their history stays with them, and the old number is nobody's."""

from pathlib import Path
from typing import Any

from sqlalchemy import select

from leadkeeper.simulator import payloads
from leadkeeper.store.database import Database
from leadkeeper.store.schema import contacts, identities, messages, timeline
from leadkeeper.store.schema import conversations as threads
from tests.flows.town import Town, town

OLD, NEW = "971500000001", "971500000009"


async def moves(place: Town) -> None:
    system = {"type": "user_changed_number", "wa_id": NEW, "body": f"Sara changed from {OLD} to {NEW}"}
    message = payloads.message("wamid.moved", OLD, {"type": "system", "system": system})
    await place.take(payloads.envelope(place.sim_account, payloads.messages_value(place.sim_account, [message], {OLD: "Sara"})))


async def people(place: Town) -> list[tuple[Any, ...]]:
    joined = select(contacts.c.phone, identities.c.external_id).join(identities, identities.c.contact_id == contacts.c.id)
    return [tuple(row) for row in await place.rows(joined.order_by(contacts.c.id, identities.c.id))]


async def test_a_customer_who_moves_goes_on_in_the_same_conversation(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await place.says(OLD, "Where is your office?")
        await place.idle()
        await moves(place)
        await place.idle()
        await place.says(NEW, "What are your opening hours?")
        await place.idle()

        assert await people(place) == [(f"+{NEW}", NEW)]
        assert [row.address for row in await place.rows(select(threads))] == [NEW]
        assert await place.decided() == [("answered", "documents")] * 2
        assert await place.count(timeline, timeline.c.kind == "moved") == 1


async def test_whoever_gets_the_old_number_later_is_somebody_else(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await place.says(OLD, "Where is your office?")
        await moves(place)
        await place.idle()

        await place.says(OLD, "Hello, I am new here")
        await place.idle()

        assert await people(place) == [(f"+{NEW}", NEW), (f"+{OLD}", OLD)]
        assert await place.count(threads) == 2


async def test_what_was_written_before_the_move_is_worked_off_before_it(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, working=False) as place:
        await place.says(OLD, "Where is your office?")
        await moves(place)
        await place.says(NEW, "What are your opening hours?")
        place.worker.start()
        await place.idle()

        assert await people(place) == [(f"+{NEW}", NEW)]
        assert await place.count(messages, messages.c.direction == "in") == 2
        assert await place.count(threads, threads.c.status == "open") == 1
