"""Every message ends with a decision and the truth about its answer, also on the paths where something goes wrong."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from leadkeeper.crm import contacts, conversations, leads
from leadkeeper.jobs import person, redrive
from leadkeeper.jobs import reply as replying
from leadkeeper.simulator import payloads
from leadkeeper.simulator.behaviour import Behaviour, Step
from leadkeeper.store.database import Database
from leadkeeper.store.schema import contacts as people
from leadkeeper.store.schema import conversations as threads
from leadkeeper.store.schema import decisions as decided
from leadkeeper.store.schema import jobs
from leadkeeper.store.schema import messages as said
from tests.flows.test_main_job import SARA, user
from tests.flows.town import Town, town

HOURS = "What are your opening hours?"
OFFICE = "Where is your office?"


async def thread_of(place: Town) -> Any:
    return (await place.rows(select(threads)))[0]


async def tell(place: Town, wamid: str, status: str, token: str | None = None, code: int | None = None) -> None:
    told = payloads.status(wamid, status, SARA, token, code)
    await place.take(payloads.envelope(place.sim_account, payloads.statuses_value(place.sim_account, [told])))


async def changes(place: Town, kind: str, wamid: str) -> None:
    content = {"type": kind, kind: {"original_message_id": wamid}}
    change = payloads.message(f"wamid.{kind}", SARA, content)
    await place.take(payloads.envelope(place.sim_account, payloads.messages_value(place.sim_account, [change], {SARA: "Sara"})))


async def test_a_message_whose_first_reading_failed_is_answered_when_a_person_tries_it_again(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **more: Any) -> None:
        raise RuntimeError("out of order")

    async with town(db, tmp_path) as place:
        with monkeypatch.context() as patch:
            patch.setattr(leads, "merge", broken)
            await place.says(SARA, HOURS)
            await place.idle()
        assert await place.decided() == [("handed_over", "job_failed")]
        (job,) = await place.rows(select(jobs).where(jobs.c.status == "failed"))

        await place.db.write(redrive.retry, job.id, None)
        await place.idle()

        assert await place.decided() == [("answered", "documents")]
        assert len(await place.sent()) == 1


async def test_a_question_that_waits_is_handed_over_with_the_conversation(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, quiet_seconds=5, quiet_max_seconds=10) as place:
        await place.says(SARA, HOURS)
        await place.idle()
        thread = await thread_of(place)

        await place.db.write(conversations.needs_human, thread.id, "send_failed")

        assert await place.decided() == [("handed_over", "send_failed")]


async def test_a_question_that_waits_closes_silent_when_a_person_opts_the_customer_out(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, quiet_seconds=5, quiet_max_seconds=10) as place:
        omar = await user(place)
        await place.says(SARA, HOURS)
        await place.idle()

        await place.db.write(person.opt_out, (await thread_of(place)).id, omar)
        await place.idle()

        assert await place.decided() == [("silent", "opted_out")]


async def test_trying_a_failed_reply_again_opens_nothing_in_a_conversation_a_person_has(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*args: Any, **more: Any) -> None:
        raise RuntimeError("out of order")

    async with town(db, tmp_path, backoff_seconds=0.01) as place:
        omar = await user(place)
        with monkeypatch.context() as patch:
            patch.setattr(replying, "respond", broken)
            await place.says(SARA, HOURS)
            await settled(place)
        (job,) = await place.rows(select(jobs).where(jobs.c.status == "failed"))
        await place.db.write(conversations.assign, (await thread_of(place)).id, omar)

        await place.db.write(redrive.retry, job.id, omar)
        await place.idle()

        assert await place.count(decided, decided.c.outcome.is_(None)) == 0
        assert [row.purpose for row in await place.outbound()] == ["notice"]


async def test_trying_a_failed_reply_again_opens_only_what_it_was_to_answer(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*args: Any, **more: Any) -> None:
        raise RuntimeError("out of order")

    async with town(db, tmp_path, backoff_seconds=0.01) as place:
        with monkeypatch.context() as patch:
            patch.setattr(replying, "respond", broken)
            await place.says(SARA, HOURS)
            await settled(place)
        await place.says(SARA, OFFICE)
        await place.idle()
        second = (await place.rows(select(decided).order_by(decided.c.id.desc())))[0]
        failed = {"reason": "job_failed", "wants_answer": False}
        await place.db.write(
            lambda conn: conn.execute(decided.update().where(decided.c.id == second.id).values(**failed)) and None
        )
        (job,) = await place.rows(select(jobs).where(jobs.c.status == "failed"))

        await place.db.write(redrive.retry, job.id, None)
        await place.idle()

        assert await place.count(decided, decided.c.outcome.is_(None)) == 0


async def settled(place: Town) -> None:
    """Idle, with nothing in a short back-off either."""
    for _ in range(200):
        await place.idle()
        if not await place.count(jobs, jobs.c.status.in_(("pending", "processing")), jobs.c.key.is_not(None)):
            return
        await asyncio.sleep(0.05)


async def test_the_failure_of_an_earlier_attempt_says_nothing_of_a_later_one(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        omar = await user(place)
        place.provider.behaviour = Behaviour(statuses=())
        await place.says(SARA, HOURS)
        await place.idle()
        (first,) = await place.outbound()
        await tell(place, first.external_id, "failed", first.token, 131026)
        await place.idle()
        assert [row.state for row in await place.outbound() if row.id == first.id] == ["failed"]

        await place.db.write(person.retry, first.id, omar)
        await place.idle()

        (again,) = [row for row in await place.outbound() if row.id == first.id]
        assert again.attempt == 2
        assert again.state in ("accepted", "sent", "delivered", "read")


async def test_a_deleted_question_whose_answer_is_on_its_way_back_closes_silent(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, backoff_seconds=1) as place:
        place.provider.script(SARA, [Step("error", times=1, status=503, code=2)])
        wamid = await place.says(SARA, HOURS)
        await place.idle()

        await changes(place, "revoke", wamid)
        await settled(place)

        assert await place.decided() == [("silent", "deleted_by_customer")]
        assert await place.sent() == []


async def test_a_draft_is_dropped_when_a_person_took_the_conversation_and_gave_it_back_meanwhile(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = replying.respond
    acted: list[int] = []

    async with town(db, tmp_path) as place:
        omar = await user(place)

        async def slow(*args: Any, **more: Any) -> Any:
            draft = await original(*args, **more)
            thread = await thread_of(place)
            if not acted:
                acted.append(1)
                await place.db.write(conversations.touched, thread.id)
            elif len(acted) == 1:
                acted.append(2)
                await place.db.write(conversations.assign, thread.id, omar)
                await place.db.write(conversations.give_back, thread.id, omar)
            return draft

        monkeypatch.setattr(replying, "respond", slow)
        await place.says(SARA, HOURS)
        await place.idle()

        assert acted == [1, 2]
        assert await place.decided() == [("handed_over", "person")]
        assert await place.sent() == []


async def test_when_two_contacts_prove_to_be_one_a_persons_conversation_stays_theirs(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        omar = await user(place)
        for sender in (SARA, "971500000002"):
            await place.says(sender, "Hello")
        await place.idle()
        _, other = await place.rows(select(threads).order_by(threads.c.id))
        await place.db.write(conversations.assign, other.id, omar)
        keep, drop = [row.id for row in await place.rows(select(people).order_by(people.c.id))]

        await place.db.write(contacts.merge, keep, drop)
        await place.says(SARA, HOURS)
        await place.idle()

        assert (await place.decided())[-1] == ("silent", "user_owns")


@pytest.mark.parametrize("text", ["What are\x00 your opening hours?", "opening hours \ud800?"])
async def test_a_text_no_database_can_hold_spoils_neither_itself_nor_its_neighbours(
    db: Database, tmp_path: Path, text: str
) -> None:
    async with town(db, tmp_path) as place:
        await place.says(SARA, text)
        await place.says("971500000002", HOURS)
        await place.idle()

        assert len(await place.decided()) == 2
        assert all(outcome is not None for outcome, _ in await place.decided())


async def test_what_a_statement_was_given_is_in_no_error(db: Database) -> None:
    def wrong(conn: Any) -> None:
        conn.execute(said.insert().values(body="a secret of Sara"))

    with pytest.raises(Exception) as raised:
        await db.write(wrong)

    assert "a secret of Sara" not in str(raised.value)
