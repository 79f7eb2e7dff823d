"""Many at once share statements: what they do together is what each would have done alone."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from leadkeeper import clock
from leadkeeper.jobs.statuses import Told, apply_all
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.jobs import Job, Lane
from leadkeeper.simulator import payloads
from leadkeeper.simulator.behaviour import Behaviour
from leadkeeper.store.database import Database
from leadkeeper.store.savepoint import Savepoint
from leadkeeper.store.schema import (
    channel_accounts,
    contacts,
    conversations,
    decisions,
    identities,
    jobs,
    leads,
    messages,
    receipts,
)
from tests.flows.town import town

HOURS, HUMAN, NOTHING = "What are your opening hours?", "I want to talk to a human", "Do you repair bicycles?"


def customer(number: int) -> str:
    return f"9715{number:08}"


async def test_a_crowd_is_worked_off_together_and_no_step_is_rolled_back(
    db: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    said = {customer(number): (HOURS, HUMAN, "STOP", NOTHING)[number % 4] for number in range(40)}
    async with town(db, tmp_path, working=False) as place:
        quick = channel_accounts.update().where(channel_accounts.c.id == place.account_id)
        await place.db.write(lambda conn: conn.execute(quick.values(config={"throughput": 1_000})) and None)
        await asyncio.gather(*(place.says(sender, text) for sender, text in said.items()))
        with caplog.at_level(logging.INFO, "leadkeeper.worker"):
            place.worker.start()
            await place.idle()

        ends = await place.rows(select(decisions.c.outcome, decisions.c.reason, func.count()).group_by("outcome", "reason"))
        counts = [await place.count(table) for table in (contacts, leads, conversations)]
        sent = await place.rows(select(func.count()).where(messages.c.state.in_(("accepted", "sent", "delivered", "read"))))
        failed = await place.count(jobs, jobs.c.status == "failed")

    assert sorted((row[0], row[2]) for row in ends) == [
        ("answered", 10),
        ("handed_over", 10),
        ("handed_over", 10),
        ("silent", 10),
    ]
    assert counts == [40, 40, 40]
    assert sent == [(30,)]
    assert failed == 0
    assert "rolled back" not in caplog.text


async def test_customers_who_come_back_in_a_crowd_keep_their_contact_lead_and_conversation(db: Database, tmp_path: Path) -> None:
    crowd = [customer(number) for number in range(15)]
    async with town(db, tmp_path) as place:
        await asyncio.gather(*(place.says(sender, HOURS) for sender in crowd))
        await place.idle()
        await asyncio.to_thread(place.worker.stop)

        for text in ("Where is your office?", HOURS):
            await asyncio.gather(*(place.says(sender, text) for sender in [*crowd, "971599999999"]))
        del place.worker
        place.worker.start()
        await place.idle()

        counts = [await place.count(table) for table in (contacts, leads, conversations)]
        revisions = await place.rows(select(conversations.c.revision, func.count()).group_by(conversations.c.revision))
        still_open = await place.count(decisions, decisions.c.outcome.is_(None))

    assert counts == [16, 16, 16]
    assert sorted((row[0], row[1]) for row in revisions) == [(2, 1), (3, 15)]
    assert still_open == 0


async def test_one_message_that_cannot_be_worked_off_fails_alone(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, working=False) as place:
        for number in range(12):
            await place.says(customer(number), HOURS)
        broken = (await place.rows(select(jobs.c.id).where(jobs.c.type == "inbound_message").order_by(jobs.c.id).limit(1)))[0].id
        await place.db.write(
            lambda conn: conn.execute(jobs.update().where(jobs.c.id == broken).values(data={"eventId": 999_999}))
        )
        place.worker.start()
        await place.idle()

        failed = await place.rows(select(jobs.c.id).where(jobs.c.status == "failed"))
        answered = await place.count(decisions, decisions.c.outcome == "answered")

    assert [row.id for row in failed] == [broken]
    assert answered == 11


async def test_two_senders_of_one_conversation_are_decided_one_after_the_other(db: Database, tmp_path: Path) -> None:
    phone, other = customer(1), customer(0)
    async with town(db, tmp_path) as place:
        await place.says(phone, HOURS)
        await place.idle()
        await asyncio.to_thread(place.worker.stop)
        known = {"kind": "wa_id", "created_at": clock.now(), "account_id": place.account_id}
        whose = select(contacts.c.id).scalar_subquery()
        await place.db.write(
            lambda conn: conn.execute(identities.insert().values(contact_id=whose, external_id=other, **known)) and None
        )
        for sender, text in ((other, HUMAN), (phone, "Where is your office?"), (customer(3), HOURS)):
            await place.says(sender, text)
        del place.worker
        place.worker.start()
        await place.idle()

        ends = await place.rows(select(decisions.c.outcome).order_by(decisions.c.id))
        threads, replies = await place.count(conversations), await place.count(jobs, jobs.c.type == "reply")
        ours = messages.c.direction == "out"
        purposes = await place.rows(select(messages.c.purpose, func.count()).where(ours).group_by("purpose"))

    assert (threads, replies) == (2, 2)
    assert [row.outcome for row in ends] == ["answered", "handed_over", "handed_over", "answered"]
    assert sorted((row[0], row[1]) for row in purposes) == [("notice", 1), ("reply", 2)]


async def test_an_event_asked_for_twice_in_one_step_is_one_message(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, working=False) as place:
        await place.says(customer(1), HOURS)
        await place.says(customer(2), HOURS)
        first = (await place.rows(select(jobs.c.data).where(jobs.c.type == "inbound_message").order_by(jobs.c.id)))[0].data
        await place.db.write(enqueue, Job("inbound_message", first, priority=Lane.INBOUND))
        place.worker.start()
        await place.idle()

        counts = [await place.count(messages, messages.c.direction == way) for way in ("in", "out")]
        revisions = await place.rows(select(conversations.c.revision))

    assert counts == [2, 2]
    assert [row.revision for row in revisions] == [1, 1]


async def test_statuses_of_a_crowd_come_to_what_they_would_have_come_to_one_by_one(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        place.provider.behaviour = Behaviour(statuses=())
        await asyncio.gather(*(place.says(customer(number), HOURS) for number in range(7)))
        await place.idle()
        await asyncio.to_thread(place.worker.stop)
        sent = await place.outbound()
        await place.db.write(lambda conn: _in(conn, "unknown", sent[4].id) and None)
        await place.db.write(lambda conn: _in(conn, "sending", sent[5].id) and None)
        for at, word in enumerate(("read", "sent", "failed", "delivered", "delivered", "read", "read", "delivered")):
            named = sent[at % 7]
            told = payloads.status(named.external_id, word, customer(at), named.token if at in (1, 4, 5) else None)
            await place.take(payloads.envelope(place.sim_account, payloads.statuses_value(place.sim_account, [told, told])))
        told = payloads.status("wamid.of.nobody", "read", customer(1), "9999.1")
        await place.take(payloads.envelope(place.sim_account, payloads.statuses_value(place.sim_account, [told])))

        together, alone = await place.db.write(_both_ways)

    states = [state for _, state, _ in together["messages"]]
    assert together == alone
    assert states == ["read", "sent", "failed", "delivered", "delivered", "sending", "read"]
    assert len(together["receipts"]) == 9


def _in(conn: Connection, state: str, message_id: int) -> int:
    named = {"state": state, "external_id": None}
    return conn.execute(messages.update().where(messages.c.id == message_id).values(named)).rowcount


def _both_ways(conn: Connection) -> list[dict[str, Any]]:
    """What is there after the stored statuses were applied in one go, and one delivery after the other."""
    rows = conn.execute(select(jobs.c.data).where(jobs.c.type == "statuses").order_by(jobs.c.id)).scalars()
    told = [Told(data["deliveryId"], data["accounts"]) for data in rows]
    found = []
    for groups in ([told], [[each] for each in told]):
        savepoint = Savepoint(conn)
        for group in groups:
            apply_all(conn, group)
        outbound = select(messages.c.id, messages.c.state, messages.c.error_code).where(messages.c.direction == "out")
        queries = {
            "messages": outbound.order_by(messages.c.id),
            "receipts": select(receipts.c.external_id, receipts.c.status, receipts.c.message_id).order_by(
                "external_id", "status"
            ),
            "decisions": select(decisions.c.event_id, decisions.c.outcome).order_by(decisions.c.event_id),
            "waiting": select(conversations.c.id, conversations.c.unanswered_since.is_(None)).order_by(conversations.c.id),
        }
        found.append({name: [tuple(row) for row in conn.execute(query)] for name, query in queries.items()})
        savepoint.undo()
    return found
