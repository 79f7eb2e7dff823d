"""The main job, told as stories: a customer writes, and every message ends with a decision and at most one answer."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import select

from leadkeeper import clock
from leadkeeper.crm import conversations
from leadkeeper.jobs import person
from leadkeeper.simulator import payloads
from leadkeeper.simulator.behaviour import Step
from leadkeeper.store.database import Database
from leadkeeper.store.schema import contacts, decisions, inbound_events, jobs, leads, messages, tasks, users
from leadkeeper.store.schema import conversations as threads
from tests.flows.town import Town, town

SARA = "971500000001"


async def user(place: Town) -> int:
    row = {"email": "omar@example.com", "name": "Omar", "role": "agent", "password_hash": "x", "created_at": clock.now()}
    return await place.db.write(lambda conn: int(conn.execute(users.insert().values(**row).returning(users.c.id)).scalar_one()))


async def test_a_question_is_answered_from_the_documents_once_with_the_welcome_as_its_first_line(
    db: Database, tmp_path: Path
) -> None:
    async with town(db, tmp_path) as place:
        await place.says(SARA, "What are your opening hours?")
        await place.idle()

        (answer,) = await place.sent()
        assert answer.startswith("Hello Sara")
        assert answer.endswith("We are open Monday to Friday from 9:00 to 20:00.")
        assert await place.decided() == [("answered", "documents")]
        assert place.calls() == 1
        (row,) = await place.outbound()
        assert row.state in ("accepted", "sent", "delivered", "read")


async def test_a_second_answer_has_no_welcome(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await place.says(SARA, "What are your opening hours?")
        await place.idle()
        await place.says(SARA, "Where is your office?")
        await place.idle()

        assert (await place.sent())[1] == "Our office is on Palm Street 12."


async def test_what_the_documents_do_not_answer_is_handed_over_and_the_customer_told_once(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await place.says(SARA, "Do you sell submarine insurance for penguins?")
        await place.idle()
        await place.says(SARA, "Hello? Penguins, I said!")
        await place.idle()

        assert len(await place.sent()) == 1
        assert [outcome for outcome, _ in await place.decided()] == ["handed_over", "handed_over"]
        assert await place.count(tasks, tasks.c.kind == "handover") == 1


async def test_the_same_delivery_twenty_times_is_one_inbound_and_one_outbound(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        for _ in range(20):
            await place.says(SARA, "What are your opening hours?", wamid="wamid.same")
        await asyncio.gather(*(place.says(SARA, "What are your opening hours?", wamid="wamid.same") for _ in range(10)))
        await place.idle()

        assert await place.count(inbound_events) == 1
        assert len(await place.sent()) == 1
        assert place.calls() == 1


async def test_two_entries_with_two_messages_each_are_four_messages(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        values = []
        for entry in range(2):
            pair = [
                payloads.message(f"wamid.{entry}{n}", f"97150000010{entry}{n}", payloads.text("Where is your office?"))
                for n in range(2)
            ]
            values.append(payloads.messages_value(place.sim_account, pair, {}))
        first, second = (payloads.envelope(place.sim_account, value) for value in values)
        first["entry"].extend(second["entry"])
        await place.take(first)
        await place.idle()

        assert await place.count(messages, messages.c.direction == "in") == 4
        assert [outcome for outcome, _ in await place.decided()] == ["answered"] * 4


async def test_a_burst_is_answered_once(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, working=False, quiet_seconds=1, quiet_max_seconds=60) as place:
        for text in ("Hello", "I have a question", "What are your opening hours?"):
            await place.says(SARA, text)
        place.worker.start()
        await place.until(messages, messages.c.direction == "out")
        await place.idle()

        assert len(await place.sent()) == 1
        assert [outcome for outcome, _ in await place.decided()] == ["answered"] * 3


@pytest.mark.parametrize(
    ("words", "outcome"), [("STOP", ("silent", "opted_out")), ("I want to talk to a human", ("handed_over", "human"))]
)
async def test_stop_or_human_is_obeyed_while_an_answer_waits_out_the_burst(
    db: Database, tmp_path: Path, words: str, outcome: tuple[str, str]
) -> None:
    async with town(db, tmp_path, quiet_seconds=5, quiet_max_seconds=10) as place:
        await place.says(SARA, "What are your opening hours?")
        await place.idle()
        await place.says(SARA, words)
        await place.idle()

        assert await place.decided() == [outcome, outcome]
        answers = [row for row in await place.outbound() if row.purpose == "reply"]
        assert answers == []
        assert await place.count(jobs, jobs.c.type == "reply", jobs.c.status == "pending") == 0


@pytest.mark.parametrize("words", ["STOP", "I want to talk to a human"])
async def test_stop_or_human_is_obeyed_while_a_send_backs_off(db: Database, tmp_path: Path, words: str) -> None:
    async with town(db, tmp_path, backoff_seconds=30) as place:
        place.provider.script(SARA, [Step("error", times=None, status=503, code=2)])
        await place.says(SARA, "What are your opening hours?")
        await place.idle()
        await place.says(SARA, words)
        await place.idle()

        replies = [row for row in await place.outbound() if row.purpose == "reply"]
        assert [row.state for row in replies] == ["cancelled"]
        assert all(outcome != "answered" for outcome, _ in await place.decided())


async def test_opt_out_is_silent_and_lasts(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await place.says(SARA, "stop")
        await place.idle()
        await place.says(SARA, "What are your opening hours?")
        await place.idle()

        assert await place.sent() == []
        assert await place.decided() == [("silent", "opted_out"), ("silent", "opted_out")]
        assert await place.count(contacts, contacts.c.opted_out_at.is_not(None)) == 1


async def test_a_message_older_than_twelve_hours_is_shown_and_handed_over_not_answered(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await place.says(SARA, "What are your opening hours?", age=13 * 3600)
        await place.idle()

        assert await place.decided() == [("handed_over", "too_old")]
        assert [row.purpose for row in await place.outbound()] in ([], ["notice"])


async def test_a_person_who_takes_over_silences_the_machine_at_once(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, quiet_seconds=5, quiet_max_seconds=10) as place:
        omar = await user(place)
        await place.says(SARA, "What are your opening hours?")
        await place.idle()
        (thread,) = await place.rows(select(threads))
        await place.db.write(conversations.assign, thread.id, omar)
        await place.says(SARA, "Are you there?")
        await place.idle()

        assert await place.sent() == []
        assert await place.decided() == [("handed_over", "person"), ("silent", "user_owns")]


async def test_what_a_person_writes_is_sent_and_closes_what_was_open(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, quiet_seconds=5, quiet_max_seconds=10) as place:
        omar = await user(place)
        await place.says(SARA, "What are your opening hours?")
        await place.idle()
        (thread,) = await place.rows(select(threads))
        said = person.Said(text="Nine to eight, dear Sara.", client_id="c1")
        first = await place.db.write(person.say, place.settings, thread.id, omar, said)
        again = await place.db.write(person.say, place.settings, thread.id, omar, said)
        await place.idle()

        assert first == again
        assert await place.sent() == ["Nine to eight, dear Sara."]
        assert place.calls() == 1
        assert await place.decided() == [("handed_over", "person")]


async def test_a_missing_lead_fails_at_once_with_its_reason(db: Database, tmp_path: Path) -> None:
    from leadkeeper.queue.enqueue import enqueue
    from leadkeeper.queue.jobs import Job

    async with town(db, tmp_path) as place:
        job_id = await place.db.write(enqueue, Job("inbound_message", {"leadId": 999999, "message": {"body": "hi"}}))
        await place.idle()

        (row,) = await place.rows(select(jobs).where(jobs.c.id == job_id))
        assert row.status == "failed"
        assert "999999" in row.error
        assert row.attempts == 1


async def test_a_test_job_goes_the_whole_way_and_never_to_a_provider(db: Database, tmp_path: Path) -> None:
    from leadkeeper.queue.enqueue import enqueue
    from leadkeeper.queue.jobs import Job

    async with town(db, tmp_path) as place:
        await place.says(SARA, "Where is your office?")
        await place.idle()
        (lead,) = await place.rows(select(leads))
        await place.db.write(
            enqueue, Job("inbound_message", {"leadId": lead.id, "message": {"body": "What are your opening hours?"}})
        )
        await place.idle()

        assert place.calls() == 1
        assert len(await place.sent()) == 2
        assert await place.count(decisions, decisions.c.outcome == "answered") == 2


async def test_fields_are_taken_from_what_the_customer_writes(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await place.says(SARA, "My name is Sara Ncube, I am Indian, my email is sara@example.com")
        await place.idle()

        (contact,) = await place.rows(select(contacts))
        assert (contact.email, contact.nationality) == ("sara@example.com", "India") or contact.email == "sara@example.com"


async def test_a_number_in_a_text_does_not_replace_the_one_the_customer_writes_from(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await place.says(SARA, "Please call my husband, his phone is 050 765 4321")
        await place.idle()

        assert [row.phone for row in await place.rows(select(contacts))] == [f"+{SARA}"]


async def test_the_name_of_a_place_or_of_somebody_elses_card_says_nothing_of_its_sender(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        card = {"name": {"formatted_name": "my name is Ravi, golden visa"}, "phones": [{"phone": "+97150"}]}
        message = payloads.message("wamid.card", SARA, {"type": "contacts", "contacts": [card]})
        await place.take(
            payloads.envelope(place.sim_account, payloads.messages_value(place.sim_account, [message], {SARA: "Sara"}))
        )
        await place.idle()

        assert [row.name for row in await place.rows(select(contacts))] == ["Sara"]
        assert [row.service for row in await place.rows(select(leads))] == [None]
