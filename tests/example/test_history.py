"""Two weeks that never happened, in rows that agree with each other and with the product's own answers."""

import asyncio
from pathlib import Path
from random import Random

from sqlalchemy import Connection, func, select

from leadkeeper import clock
from leadkeeper.crm import audit, simulated
from leadkeeper.example import business, demo, history, samples
from leadkeeper.example.clear import clear
from leadkeeper.example.load import load
from leadkeeper.knowledge.index import SearchIndex
from leadkeeper.rules import labels
from leadkeeper.store.database import Database
from leadkeeper.store.schema import (
    conversations,
    decisions,
    inbound_events,
    jobs,
    messages,
    receipts,
    reply_drafts,
    rule_runs,
    rules,
    tasks,
)
from tests.flows.town import Town, town


async def told(place: Town) -> int:
    """The example with its history; returns how many conversations that made."""
    await place.db.write(load, place.box)
    await place.idle()
    index = SearchIndex()
    await place.db.read(index.refresh)
    return await place.db.write(history.write, index, place.settings)


def many(conn: Connection, table: object, *where: object) -> int:
    return int(conn.execute(select(func.count()).select_from(table).where(*where)).scalar_one())  # type: ignore[arg-type]


async def test_history_has_one_closed_decision_for_every_message_of_a_customer(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        written = await told(place)

        inbound = await db.read(many, messages, messages.c.direction == "in")
        assert written == len(business.people())
        assert inbound == await db.read(many, inbound_events)
        assert inbound == await db.read(many, decisions, decisions.c.outcome.is_not(None))
        assert await db.read(many, decisions, decisions.c.outcome == "answered") > inbound / 2
        assert await db.read(many, decisions, decisions.c.outcome == "handed_over") > 3


async def test_history_answers_are_those_the_documents_give(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await told(place)

        rows = await place.rows(
            select(messages.c.body, reply_drafts.c.text, reply_drafts.c.passages)
            .join(reply_drafts, reply_drafts.c.id == messages.c.draft_id)
            .where(messages.c.direction == "out")
        )
        assert len(rows) > 20
        assert all(row.body.endswith(row.text) for row in rows)
        assert all(any(passage["cited"] for passage in row.passages) for row in rows)


async def test_history_names_a_rule_for_every_decision(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await told(place)

        events = {row.id for row in await place.rows(select(inbound_events.c.id))}
        assert {row.event_id for row in await place.rows(select(rule_runs.c.event_id))} == events
        reasons = await place.rows(
            select(rules.c.key, decisions.c.outcome)
            .join(rule_runs, rule_runs.c.rule_id == rules.c.id)
            .join(decisions, decisions.c.event_id == rule_runs.c.event_id)
        )
        assert {row.key for row in reasons if row.outcome == "silent"} == {"thanks"}
        assert "hand_over_human" in {row.key for row in reasons if row.outcome == "handed_over"}


def test_nationalities_are_named_as_the_product_names_them() -> None:
    everybody = [*business.people(), *(each.person for each in business.prospects())]

    assert [person for person in everybody if labels.nationality(person.nationality, "ar") == person.nationality] == []


async def test_history_lies_in_the_past_and_leaves_no_work(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await told(place)

        now = clock.now()
        assert await db.read(many, jobs, jobs.c.status.in_(("pending", "processing"))) == 0
        assert await db.read(many, messages, messages.c.created_at > now) == 0
        assert await db.read(many, receipts, receipts.c.received_at > now) == 0
        waiting = await db.read(many, conversations, conversations.c.needs_human_since.is_not(None))
        assert waiting == await db.read(many, tasks, tasks.c.done_at.is_(None))


async def test_history_stands_up_to_the_audit(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await told(place)

        found = await db.read(audit.audit)

        assert {finding.name: finding.ids for finding in found.findings if finding.count} == {}


async def test_history_is_told_once_and_goes_with_the_example(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await told(place)
        before = await db.read(many, messages)

        again = await told(place)
        after = await db.read(many, messages)
        await db.write(clear)

        assert (again, after) == (0, before)
        assert await db.read(many, messages) == await db.read(many, conversations) == 0


async def test_demo_customers_write_until_the_example_is_cleared(db: Database, tmp_path: Path) -> None:
    said: list[str] = []

    async def say(wa_id: str, name: str, text: str) -> None:
        said.append(text)
        if len(said) == 3:
            await db.write(clear)

    async with town(db, tmp_path) as place:
        await asyncio.wait_for(demo.start(db, place.settings, place.box, say, pause=(0.0, 0.01)), 20)

        assert len(said) == 3
        assert await db.read(simulated.ids) == []


async def test_every_sample_question_comes_to_the_end_it_names(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await db.write(load, place.box)
        await place.idle()

        for number, sample in enumerate(samples.samples()):
            await place.says(f"97155000{number:04d}", sample.text)
        await place.idle(60)

        rows = await place.rows(
            select(messages.c.body, decisions.c.outcome, decisions.c.reason, decisions.c.answer_id).join(
                decisions, decisions.c.message_id == messages.c.id
            )
        )
        answers = {row.id: row.body for row in await place.outbound()}
        found = {row.body: row for row in rows}
        for sample in samples.samples():
            row = found[sample.text]
            assert row.outcome == ("answered" if sample.expect == "answer" else "handed_over"), (sample, row)
            if sample.expect == "answer":
                assert sample.holds in answers[row.answer_id]
            elif sample.expect == "person":
                assert row.reason == "human"


async def test_demo_gives_conversations_back_when_most_wait_for_a_person(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await told(place)
        await db.write(lambda conn: conn.execute(conversations.update().values(owner="nobody")))
        said = 0

        async def say(wa_id: str, name: str, text: str) -> None:
            nonlocal said
            said += 1
            if said == 3:
                await db.write(clear)
            else:
                assert await db.read(many, conversations, conversations.c.owner == "ai") == said

        await asyncio.wait_for(demo.write_for_ever(db, say, (0.0, 0.0), Random(1)), 20)

        assert said == 3
