"""Two things at once in one conversation, on two connections: neither is lost, whoever comes first."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from leadkeeper import clock
from leadkeeper.crm import accounts, conversations
from leadkeeper.crm import contacts as contact_book
from leadkeeper.crm import leads as lead_book
from leadkeeper.jobs.decide import decide
from leadkeeper.jobs.inbound_message import inbound_message
from leadkeeper.jobs.intent import Begin, begin
from leadkeeper.queue import scopes
from leadkeeper.queue.claim import Wanted, claim
from leadkeeper.queue.jobs import Claimed
from leadkeeper.simulator.behaviour import Step
from leadkeeper.store.database import Database
from leadkeeper.store.schema import contacts, decisions, jobs, leads
from tests.beside import Held, on_postgres
from tests.flows.test_main_job import SARA, user
from tests.flows.test_nothing_stays_open import HOURS, thread_of
from tests.flows.town import Town, town


async def stopped(place: Town) -> None:
    await asyncio.to_thread(place.worker.stop)


async def claimed(place: Town, kind: str) -> Claimed:
    """The waiting job of a type, in our hands."""
    await place.db.write(lambda conn: conn.execute(jobs.update().where(jobs.c.type == kind).values(run_at=clock.now())) and None)
    taken = await place.db.write(claim, Wanted("us", 10, None, timedelta(seconds=15)))
    (job,) = [job for job in taken.jobs if job.type == kind]
    return job


def beside(db: Database, first: Callable[[Connection], Any], second: Callable[[Connection], Any]) -> None:
    """`first` is open when `second` is begun, and commits once that waits for it."""
    Held(db, first).commit_once_waited_for(lambda: db.write_now(second))


async def lead(place: Town) -> Any:
    (row,) = await place.rows(select(leads))
    return row


@on_postgres
@pytest.mark.parametrize("person_first", [True, False])
async def test_what_a_person_enters_and_what_the_customer_says_at_once_are_both_kept(
    db: Database, tmp_path: Path, person_first: bool
) -> None:
    async with town(db, tmp_path) as place:
        await place.says(SARA, "Hello")
        await place.idle()
        row = await lead(place)

        def enters(conn: Connection) -> None:
            lead_book.update_by_person(conn, row.id, {"fields": {"visas": 3}, "name": "Sara Khan"}, None)

        def says(conn: Connection) -> None:
            lead_book.merge(conn, row.contact_id, row.id, {"partners": 2, "visas": 5, "name": "Sara K"})

        beside(db, *((enters, says) if person_first else (says, enters)))

        assert (await lead(place)).fields == {"visas": 3, "partners": 2}
        assert (await lead(place)).set_by_person == ["visas"]
        assert [person.name for person in await place.rows(select(contacts))] == ["Sara Khan"]


@on_postgres
async def test_two_first_words_of_one_contact_make_one_lead(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        contact_id = await place.db.write(lambda conn: contact_book.create(conn, name="Sara"))

        beside(db, *[lambda conn: lead_book.for_contact(conn, contact_id, "whatsapp")] * 2)

        assert await place.count(leads) == 1


@on_postgres
async def test_two_accounts_halted_at_once_are_both_halted(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, working=False) as place:
        other = await place.db.write(lambda conn: accounts.ensure(conn, "whatsapp", "2002", "Other"))

        beside(db, *[partial(accounts.halt, account_id=each, reason="190: expired") for each in (place.account_id, other)])

        assert await place.db.read(scopes.parked) == {accounts.scope(place.account_id), accounts.scope(other)}


@on_postgres
async def test_an_answer_taken_back_beside_a_hand_over_leaves_its_question_with_the_person(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, backoff_seconds=30) as place:
        place.provider.script(SARA, [Step("error", times=None, status=503, code=2)])
        await place.says(SARA, HOURS)
        await place.idle()
        await stopped(place)
        thread = await thread_of(place)
        await place.db.write(conversations.touched, thread.id)
        job = await claimed(place, "send")
        ctx = place.toolbox.context(job, lambda seconds: True)

        beside(
            db,
            lambda conn: begin(conn, [Begin(ctx, job.data["messageId"])]),
            lambda conn: conversations.needs_human(conn, thread.id, "human"),
        )

        assert await place.rows(select(decisions.c.outcome)) == [("handed_over",)]


@on_postgres
async def test_a_message_decided_beside_a_person_who_takes_over_is_theirs(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, working=False) as place:
        omar = await user(place)
        await place.says(SARA, "Hello")
        receiving = await claimed(place, "inbound_message")
        await place.db.write(inbound_message, place.toolbox.context(receiving, lambda seconds: True), receiving.data["eventId"])
        thread = await thread_of(place)
        ctx = place.toolbox.context(receiving, lambda seconds: True)

        beside(
            db,
            lambda conn: conversations.assign(conn, thread.id, omar),
            lambda conn: decide(conn, ctx, event_id=receiving.data["eventId"]),
        )

        assert await place.decided() == [("handed_over", "person")]
        assert await place.count(jobs, jobs.c.type == "reply") == 0
