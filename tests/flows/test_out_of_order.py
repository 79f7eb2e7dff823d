"""What comes late or without a name: a provider keeps no order and delivers again for days."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from leadkeeper import clock
from leadkeeper.simulator import payloads
from leadkeeper.store.database import Database
from leadkeeper.store.schema import contacts, conversations, decisions, jobs, messages, tasks
from tests.flows.town import Town, town

SARA, OMAR = "971500000001", "971500000002"
QUESTION = "Where is your office?"


async def changes(place: Town, content: Mapping[str, Any], *, age: float = 0) -> None:
    """Sara edits or deletes something in her app."""
    told = payloads.message("wamid.change", SARA, content, clock.now().timestamp() - age)
    await place.take(payloads.envelope(place.sim_account, payloads.messages_value(place.sim_account, [told], {SARA: "Sara"})))
    await place.idle()


async def opted_out(place: Town) -> bool:
    (row,) = await place.rows(select(contacts.c.opted_out_at))
    return row.opted_out_at is not None


def written(place: Town, count: int, senders: int) -> dict[str, Any]:
    """One delivery of many messages, the senders taking turns."""
    people = [f"9715{number:08d}" for number in range(senders)]
    said = [payloads.message(f"wamid.{number}", people[number % senders], payloads.text("thanks")) for number in range(count)]
    return payloads.envelope(place.sim_account, payloads.messages_value(place.sim_account, said, {}))


async def test_a_thousand_messages_in_one_post_are_a_thousand_jobs_in_order(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, working=False) as place:
        events = await place.take(written(place, 1000, 50))

        assert len(events) == 1000
        received = (jobs.c.type == "inbound_message", jobs.c.status == "pending")
        rows = await place.rows(select(jobs.c.data, jobs.c.head).where(*received).order_by(jobs.c.id))
        assert sorted(row.data["eventId"] for row in rows) == sorted(events)
        assert sum(row.head for row in rows) == 50


async def test_many_messages_of_one_post_are_each_decided_in_the_order_of_their_writer(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await place.take(written(place, 60, 6))
        await place.idle()

        rows = await place.rows(select(messages).where(messages.c.direction == "in").order_by(messages.c.id))
        heard: dict[int, list[int]] = {}
        for row in rows:
            heard.setdefault(row.conversation_id, []).append(int(row.external_id.removeprefix("wamid.")))
        assert [len(order) for order in heard.values()] == [10] * 6
        assert all(order == sorted(order) for order in heard.values())
        assert await place.count(decisions, decisions.c.outcome.is_not(None)) == 60


async def test_a_start_that_comes_late_does_not_undo_the_stop_after_it(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await place.says(SARA, "STOP", age=60)
        await place.idle()
        await place.says(SARA, "START", age=600)
        await place.idle()

        assert await opted_out(place)


async def test_of_two_stops_the_later_one_counts(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        for word, age in (("STOP", 600), ("STOP", 60), ("START", 300)):
            await place.says(SARA, word, age=age)
            await place.idle()

        assert await opted_out(place)


async def test_a_start_after_a_stop_is_obeyed_however_late_both_are_worked_off(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, working=False) as place:
        await place.says(SARA, "STOP", age=600)
        await place.says(SARA, "START", age=500)
        place.worker.start()
        await place.idle()

        assert not await opted_out(place)


async def test_a_message_deleted_before_it_came_is_never_shown_nor_answered(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await changes(place, {"type": "revoke", "revoke": {"original_message_id": "wamid.late"}})
        await place.says(SARA, QUESTION, wamid="wamid.late", age=100)
        await place.idle()

        (row,) = await place.rows(select(messages))
        assert (row.body, row.revoked_at is not None) == ("", True)
        assert await place.decided() == [("silent", "deleted_by_customer")]
        assert (await place.rows(select(conversations.c.preview)))[0].preview == ""
        assert place.calls() == 0


async def test_a_message_edited_before_it_came_is_answered_as_it_is_now(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        edited = {"original_message_id": "wamid.late", "message": payloads.text("What are your opening hours?")}
        await changes(place, {"type": "edit", "edit": edited})
        await place.says(SARA, QUESTION, wamid="wamid.late", age=100)
        await place.idle()

        assert "9:00 to 20:00" in (await place.sent())[0]


async def test_the_list_of_conversations_does_not_go_on_showing_what_was_deleted(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        wamid = await place.says(SARA, "thanks, my card is 4111")
        await place.idle()
        await changes(place, {"type": "revoke", "revoke": {"original_message_id": wamid}})

        assert (await place.rows(select(conversations.c.preview)))[0].preview == ""


async def test_a_message_that_names_no_sender_is_read_by_a_person(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        told = payloads.message("wamid.nobody", SARA, payloads.text(QUESTION))
        value = payloads.messages_value(place.sim_account, [{**told, "from": None}], {}) | {"contacts": []}
        await place.take(payloads.envelope(place.sim_account, value))
        await place.idle()

        assert await place.decided() == [("handed_over", "no_sender")]
        (task,) = await place.rows(select(tasks))
        assert QUESTION in task.title
        assert await place.count(contacts) == 0


@pytest.mark.parametrize("card", [{"user_id": "AE.123456789"}, {"profile": {"name": "Sara"}}])
async def test_two_senders_beside_one_card_stay_two(db: Database, tmp_path: Path, card: dict[str, Any]) -> None:
    async with town(db, tmp_path) as place:
        said = [payloads.message(f"wamid.{who}", who, payloads.text(QUESTION)) for who in (SARA, OMAR)]
        value = payloads.messages_value(place.sim_account, said, {}) | {"contacts": [card]}
        await place.take(payloads.envelope(place.sim_account, value))
        await place.idle()

        assert await place.count(contacts) == 2
        assert await place.count(conversations) == 2
