"""Facts: read in three statements, counted for the guards, the same whatever the thread's length."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from leadkeeper.crm import contacts, conversations, leads
from leadkeeper.errors import NotFound
from leadkeeper.rules import guards
from leadkeeper.rules.gather import Ask, gather
from leadkeeper.store import settings_rows
from leadkeeper.store.database import Database
from leadkeeper.store.schema import channel_accounts
from tests.rules.people import NOON, REACH, SETTINGS, Customer, customer, facts_of, said, seeded, writes
from tests.statements import statements

Work = Callable[[Connection], Any]


def counted(conn: Connection, work: Work) -> tuple[Any, int]:
    """The result of `work`, and how many statements it took."""
    with statements(conn) as seen:
        return work(conn), len(seen)


async def test_the_facts_of_a_message_take_two_statements_once_the_settings_are_read(db: Database) -> None:
    def work(conn: Connection) -> int:
        seeded(conn)
        who = customer(conn)
        event_id = writes(conn, who, "I want a refund")
        facts_of(conn, who, event_id)
        return counted(conn, lambda conn: facts_of(conn, who, event_id))[1]

    assert await db.write(work) == 2


async def test_a_message_its_conversation_contact_and_lead_are_read(db: Database) -> None:
    def work(conn: Connection) -> Any:
        seeded(conn)
        settings_rows.save(conn, "business_name", "Desert Desk")
        who = customer(conn, channel="whatsapp", language="ar", pending_question="name")
        event_id = writes(conn, who, "I want my money back, this is ridiculous", NOON - timedelta(hours=2))
        return who, event_id, facts_of(conn, who, event_id)

    who, event_id, facts = await db.write(work)

    assert (facts.conversation_id, facts.contact_id, facts.lead_id, facts.event_id) == (
        who.conversation_id, who.contact_id, who.lead_id, event_id,
    )  # fmt: skip
    assert facts.words == {"refund": "my money back", "anger": "this is ridiculous"} or facts.words.keys() == {"refund", "anger"}
    assert (facts.channel, facts.language, facts.name, facts.stage) == ("whatsapp", "ar", "Ravi Kumar", "new")
    assert (facts.business.name, facts.pending_question, facts.owner) == ("Desert Desk", "name", "ai")
    assert facts.message_age == timedelta(hours=2)
    assert facts.window_open
    assert facts.hours_to_close == 22
    assert facts.answerable
    assert not facts.spoken


async def test_what_a_channel_cannot_read_is_not_answerable(db: Database) -> None:
    def work(conn: Connection) -> list[bool]:
        who = customer(conn)
        events = [
            writes(conn, who, "a text"),
            writes(conn, who, "", kind="audio"),
            writes(conn, who, "caption", kind="image"),
            writes(conn, who, "[location]", kind="location"),
            writes(conn, who, "Voice note", kind="audio", media={"answerable": False}),
        ]
        return [facts_of(conn, who, event_id).answerable for event_id in events]

    assert await db.write(work) == [True, False, True, False, False]


async def test_automatic_messages_are_counted_for_the_contact_and_unsent_ones_are_not(db: Database) -> None:
    def work(conn: Connection) -> Any:
        who = customer(conn)
        said(conn, who, "old", NOON - timedelta(minutes=61))
        said(conn, who, "by hand", author="person")
        said(conn, who, "one")
        said(conn, who, "two", state="ready", author="rule", purpose="proactive")
        said(conn, who, "never", state="cancelled")
        said(conn, who, "refused", state="failed")
        return facts_of(conn, who, None)

    facts = await db.write(work)

    assert (facts.automatic_last_hour, facts.proactive_last_day, facts.automatic_since_spoken, facts.spoken) == (2, 1, 2, True)


async def test_other_open_threads_of_the_contact_count_too(db: Database) -> None:
    def work(conn: Connection) -> Any:
        who = customer(conn)
        said(conn, who, "here")
        row = {"channel": "form", "external_id": "f", "name": "f", "config": {}, "created_at": NOON}
        other_account = conn.execute(insert(channel_accounts).values(**row).returning(channel_accounts.c.id)).scalar_one()
        other, _ = conversations.open_one(
            conn, contact_id=who.contact_id, account_id=other_account, lead_id=who.lead_id, address="x", language="en"
        )
        said(conn, Customer(other_account, who.contact_id, who.lead_id, other), "there")
        return facts_of(conn, who, None)

    facts = await db.write(work)

    assert (facts.automatic_last_hour, facts.automatic_since_spoken) == (2, 1)


async def test_the_customers_word_starts_the_count_anew(db: Database) -> None:
    def work(conn: Connection) -> list[int]:
        who = customer(conn)
        counts = []
        for _ in range(3):
            said(conn, who, "are you there?", author="rule")
        counts.append(facts_of(conn, who, None).automatic_since_spoken)
        writes(conn, who, "yes")
        counts.append(facts_of(conn, who, None).automatic_since_spoken)
        said(conn, who, "good", author="rule")
        counts.append(facts_of(conn, who, None).automatic_since_spoken)
        said(conn, who, "by hand", author="person")
        counts.append(facts_of(conn, who, None).automatic_since_spoken)
        return counts

    assert await db.write(work) == [3, 0, 1, 0]


async def test_a_message_about_to_be_sent_does_not_count_against_itself(db: Database) -> None:
    def work(conn: Connection) -> Any:
        who = customer(conn)
        message_id = said(conn, who, "Hello there", state="ready", author="rule", purpose="proactive")
        with_it = facts_of(conn, who, None, trigger="send")
        return with_it, facts_of(conn, who, None, trigger="send", without_message=message_id)

    with_it, without_it = await db.write(work)

    assert (with_it.automatic_last_hour, with_it.spoken, "hello there" in with_it.recent_texts) == (1, True, True)
    assert (without_it.automatic_last_hour, without_it.spoken, without_it.recent_texts) == (0, False, frozenset())


async def test_the_eleventh_automatic_message_of_an_hour_is_stopped(db: Database) -> None:
    def work(conn: Connection) -> list[Any]:
        who = customer(conn)
        event_id = writes(conn, who, "hello")
        blocks = []
        for number in range(11):
            blocks.append(guards.check("reply", facts_of(conn, who, event_id), NOON))
            said(conn, who, f"answer {number}")
        return blocks

    blocks = await db.write(work)

    assert blocks[:10] == [None] * 10
    assert blocks[10].guard == "loop"


async def test_a_channel_nobody_described_may_not_be_written_to(db: Database) -> None:
    def work(conn: Connection) -> Any:
        who = customer(conn, channel="pigeon")
        event_id = writes(conn, who, "coo")
        return gather(conn, Ask(who.conversation_id, event_id), NOON, SETTINGS, reach=REACH)

    block = guards.check("reply", await db.write(work), NOON)

    assert block is not None
    assert block.guard == "window"


async def test_the_stop_switch_and_opt_outs_are_seen_at_once(db: Database) -> None:
    def work(conn: Connection) -> list[bool]:
        who = customer(conn)
        settings_rows.save(conn, "automatic_messages", False)
        contacts.opt_out(conn, who.contact_id, "word")
        facts = facts_of(conn, who, None)
        return [facts.business.stopped, facts.opted_out]

    assert await db.write(work) == [True, True]


async def test_an_older_lead_of_the_contact_can_be_asked_about(db: Database) -> None:
    def work(conn: Connection) -> tuple[str, str]:
        who = customer(conn)
        leads.set_stage(conn, who.lead_id, "completed_won")
        newer = leads.for_contact(conn, who.contact_id, "webchat")
        return facts_of(conn, who, None, lead_id=newer).stage, facts_of(conn, who, None).stage

    assert await db.write(work) == ("new", "completed_won")


async def test_a_conversation_that_is_not_there_is_not_found(db: Database) -> None:
    with pytest.raises(NotFound):
        await db.read(lambda conn: gather(conn, Ask(4711), NOON, SETTINGS, reach=REACH))
