"""Some providers tell us our own messages back, before they answer: that is no person's reply."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from leadkeeper import clock
from leadkeeper.crm import messages as book
from leadkeeper.crm import receipts
from leadkeeper.jobs import delivery
from leadkeeper.simulator import payloads
from leadkeeper.simulator.behaviour import Step
from leadkeeper.store.database import Database
from leadkeeper.store.schema import conversations, messages, tasks
from tests.flows.test_hand_over import echo
from tests.flows.test_main_job import SARA
from tests.flows.town import Town, town

HOURS = "What are your opening hours?"
OURS = "wamid.ours"


async def on_its_way(place: Town, step: Step, state: str = "sending") -> None:
    """Sara asks, and our answer is with the provider, which will name it `OURS`."""
    place.provider.new_id = lambda prefix="": OURS  # type: ignore[method-assign]
    place.provider.script(SARA, [step])
    await place.says(SARA, HOURS)
    await place.until(messages, messages.c.state == state)


async def our_words(place: Town) -> str:
    return str((await place.outbound())[0].body)


async def owner_of(place: Town) -> str:
    (row,) = await place.rows(select(conversations))
    return str(row.owner)


async def in_doubt(place: Town) -> Any:
    """Sara's answer, whose call ended without a clear word."""
    await on_its_way(place, Step("close", statuses=()), "unknown")
    await place.idle()
    return (await place.outbound())[0]


async def test_our_message_told_back_before_the_answer_stays_one_message_of_ours(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await on_its_way(place, Step(latency_ms=600, statuses=()))
        await echo(place, payloads.text(await our_words(place)), OURS)
        await place.idle()

        (row,) = await place.outbound()
        assert (row.author, row.state, row.external_id, row.attempt) == ("ai", "sent", OURS, 1)
        assert await place.decided() == [("answered", "documents")]
        assert await owner_of(place) == "ai"


async def test_our_message_told_back_settles_the_doubt_about_it(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        doubt = await in_doubt(place)
        await place.db.write(lambda conn: (book.needs_human(conn, doubt.id), delivery.ask_person(conn, doubt.id)))
        assert (await place.outbound())[0].state == "needs_human"

        await echo(place, payloads.text(f"{doubt.body} "), OURS)
        await place.idle()

        (row,) = await place.outbound()
        assert (row.author, row.state, row.external_id) == ("ai", "sent", OURS)
        assert await place.count(tasks, tasks.c.done_at.is_(None)) == 0
        assert await owner_of(place) == "ai"


async def test_what_the_owner_says_in_other_words_is_theirs_and_settles_nothing(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await in_doubt(place)
        await echo(place, payloads.text("We open at nine."), "wamid.theirs")
        await place.idle()

        ours, theirs = await place.outbound()
        assert (ours.state, theirs.author, theirs.state) == ("unknown", "person", "sent")
        assert await owner_of(place) == "nobody"


async def test_the_same_words_written_later_are_the_owners_own(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        doubt = await in_doubt(place)
        early = {"state_at": clock.now() - timedelta(hours=1), "created_at": clock.now() - timedelta(hours=1)}
        await place.db.write(lambda conn: conn.execute(messages.update().where(messages.c.id == doubt.id).values(**early)))

        await echo(place, payloads.text(await our_words(place)), "wamid.theirs")
        await place.idle()

        ours, theirs = await place.outbound()
        assert (ours.state, theirs.author) == ("unknown", "person")


async def test_an_echo_we_did_not_know_for_ours_does_not_break_the_answer(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await on_its_way(place, Step(latency_ms=600, statuses=("delivered",)))
        await echo(place, payloads.text("We are open, as the provider has shortened it."), OURS)
        await place.idle()
        await place.until(messages, messages.c.state == "delivered")

        ours, told = await place.outbound()
        assert (ours.author, ours.state, ours.external_id) == ("ai", "delivered", None)
        assert (told.author, told.external_id) == ("person", OURS)
        assert place.calls() == 1


async def test_the_token_finds_ours_whatever_the_text_became(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        doubt = await in_doubt(place)

        def look(conn: Connection, token: str | None) -> int | None:
            now = clock.now() + timedelta(days=1)
            contact = conn.execute(select(conversations.c.contact_id)).scalar_one()
            found = receipts.told_back(conn, place.account_id, contact, "other words", token, now)
            return None if found is None else int(found.id)

        assert await place.db.read(look, doubt.token) == doubt.id
        assert await place.db.read(look, f"{doubt.id}.7") is None
        assert await place.db.read(look, None) is None
