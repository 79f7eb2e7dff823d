"""What a person says of a send in doubt holds for the machine at once, also when they take it back."""

from pathlib import Path

from leadkeeper.crm import accounts, doubts
from leadkeeper.crm import messages as book
from leadkeeper.jobs import delivery, person
from leadkeeper.simulator.behaviour import Step
from leadkeeper.store.database import Database
from leadkeeper.store.schema import messages
from tests.flows.test_main_job import SARA, user
from tests.flows.town import Town, town

HOURS = "What are your opening hours?"


async def in_doubt(place: Town) -> int:
    """Sara's answer, whose call ended without a clear word, and a person is asked."""
    place.provider.script(SARA, [Step("close", accept=False, statuses=())])
    await place.says(SARA, HOURS)
    await place.until(messages, messages.c.state == "unknown")
    await place.idle()
    message: int = (await place.outbound())[0].id
    await place.db.write(lambda conn: (book.needs_human(conn, message), delivery.ask_person(conn, message)))
    return message


async def test_a_resend_that_is_taken_back_before_it_leaves_never_leaves(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        message, who = await in_doubt(place), await user(place)
        await place.db.write(accounts.halt, place.account_id, "a pause")
        await place.db.write(person.resend, message, who)
        await place.db.write(person.take_back, message, who)

        await place.db.write(accounts.resume, place.account_id)
        await place.idle()

        (row,) = await place.outbound()
        assert (row.state, row.attempt, place.calls()) == ("needs_human", 1, 1)
        assert message in await place.db.read(doubts.next_looks, [message])


async def test_settled_taken_back_and_settled_again_it_is_sent_once(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        message, who = await in_doubt(place), await user(place)
        await place.db.write(person.it_arrived, message, who)
        await place.db.write(person.take_back, message, who)
        await place.db.write(person.resend, message, who)
        await place.until(messages, messages.c.state == "read")

        (row,) = await place.outbound()
        assert (row.attempt, place.calls()) == (2, 2)
        assert sum(place.provider.log.taken.values()) == 1
