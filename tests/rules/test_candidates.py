"""Who is due: page by page, nobody twice, nobody from long ago, nobody who must be left alone."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, update

from leadkeeper import clock
from leadkeeper.crm import expiries, leads
from leadkeeper.rules import book, candidates, history
from leadkeeper.rules.model import Rule
from leadkeeper.store.database import Database
from leadkeeper.store.schema import conversations, rule_runs
from leadkeeper.store.schema import expiries as expiries_table
from leadkeeper.store.schema import leads as leads_table
from tests.rules.people import NOON, SETTINGS, customer, facts_of, said, writes

HELLO = {"action": "send_text", "text": {"en": "Hello"}}


@pytest.fixture(autouse=True)
def at_noon() -> Iterator[None]:
    """It is noon on a working day."""
    with clock.use(lambda: NOON):
        yield


def rule(conn: Connection, kind: str, **params: Any) -> Rule:
    limits = params.pop("limits", {})
    return book.save(conn, {"key": "r", "name": "R", "trigger": {"kind": kind, **params}, "do": [HELLO], "limits": limits})


def leads_found(conn: Connection, which: Rule, **more: Any) -> list[int]:
    return [found.lead_id for found in candidates.find(conn, which, NOON, SETTINGS, **more)]


async def test_due_follow_ups_come_in_pages_and_none_twice(db: Database) -> None:
    def work(conn: Connection) -> tuple[list[int], list[int]]:
        which = rule(conn, "followup.due")
        people = [customer(conn) for _ in range(7)]
        for who in people:
            leads.set_follow_up(conn, who.lead_id, NOON)
        pages, after = [], 0
        while page := candidates.find(conn, which, NOON, SETTINGS, after=after, limit=3):
            pages += [found.lead_id for found in page]
            after = page[-1].cursor
        return pages, [who.lead_id for who in people]

    found, expected = await db.write(work)

    assert found == expected


async def test_closed_leads_and_those_left_alone_are_not_due(db: Database) -> None:
    def work(conn: Connection) -> list[int]:
        which = rule(conn, "followup.due")
        for stage in ("completed_won", "lost"):
            who = customer(conn)
            leads.set_stage(conn, who.lead_id, stage)
            leads.set_follow_up(conn, who.lead_id, NOON)
        alone = customer(conn)
        leads.set_follow_up(conn, alone.lead_id, NOON)
        conn.execute(update(leads_table).where(leads_table.c.id == alone.lead_id).values(autopilot=False))
        later = customer(conn)
        leads.set_follow_up(conn, later.lead_id, NOON + timedelta(seconds=1))
        return leads_found(conn, which)

    assert await db.write(work) == []


async def test_silence_counts_as_due_for_a_week_and_then_no_more(db: Database) -> None:
    def work(conn: Connection) -> list[bool]:
        which = rule(conn, "followup.due", silentDays=2)
        seen = []
        for days in (1, 2, 8, 9, 100):
            who = customer(conn, last_message_at=NOON - timedelta(days=days), last_inbound_at=NOON - timedelta(days=days))
            seen.append(who.lead_id in leads_found(conn, which))
        return seen

    assert await db.write(work) == [False, True, True, False, False]


async def test_a_customer_who_has_answered_is_not_silent(db: Database) -> None:
    def work(conn: Connection) -> list[bool]:
        which = rule(conn, "customer.silent", hours=24)
        wrote = NOON - timedelta(hours=30)
        silent = customer(conn, last_inbound_at=wrote, last_outbound_at=NOON - timedelta(hours=25))
        recent = customer(conn, last_inbound_at=wrote, last_outbound_at=NOON - timedelta(hours=23))
        spoke = customer(conn, last_inbound_at=NOON - timedelta(hours=24), last_outbound_at=NOON - timedelta(hours=25))
        found = leads_found(conn, which)
        return [who.lead_id in found for who in (silent, recent, spoke)]

    assert await db.write(work) == [True, False, False]


async def test_expiries_are_found_from_their_day_until_the_catch_up_ends(db: Database) -> None:
    def work(conn: Connection) -> dict[int, bool]:
        which = rule(conn, "date.approaching", days=30, catchUpDays=3, kinds=["visa"])
        people = {}
        for left in (31, 30, 27, 26):
            who = customer(conn)
            expiries.learn(conn, who.lead_id, "visa", NOON.date() + timedelta(days=left))
            people[left] = who.lead_id
        found = leads_found(conn, which)
        return {left: lead_id in found for left, lead_id in people.items()}

    assert await db.write(work) == {31: False, 30: True, 27: True, 26: False}


async def test_other_kinds_renewed_ones_and_lost_leads_are_left_out(db: Database) -> None:
    def work(conn: Connection) -> list[int]:
        which = rule(conn, "date.approaching", days=30, kinds=["visa"])
        day = NOON.date() + timedelta(days=30)
        passport, renewed, lost = customer(conn), customer(conn), customer(conn)
        expiries.learn(conn, passport.lead_id, "passport", day)
        expiries.learn(conn, renewed.lead_id, "visa", day)
        conn.execute(update(expiries_table).where(expiries_table.c.lead_id == renewed.lead_id).values(renewed_at=NOON))
        expiries.learn(conn, lost.lead_id, "visa", day)
        leads.set_stage(conn, lost.lead_id, "lost")
        return leads_found(conn, which)

    assert await db.write(work) == []


async def test_an_older_lead_is_reached_in_the_contacts_open_conversation(db: Database) -> None:
    def work(conn: Connection) -> Any:
        which = rule(conn, "date.approaching", days=30)
        who = customer(conn)
        expiries.learn(conn, who.lead_id, "visa", NOON.date() + timedelta(days=30))
        leads.set_stage(conn, who.lead_id, "completed_won")
        newer = leads.for_contact(conn, who.contact_id, "webchat")
        conn.execute(update(conversations).where(conversations.c.id == who.conversation_id).values(lead_id=newer))
        found = candidates.find(conn, which, NOON, SETTINGS)
        return who, found

    who, found = await db.write(work)

    assert [(each.lead_id, each.conversation_id) for each in found] == [(who.lead_id, who.conversation_id)]


async def test_a_rule_for_messages_has_no_candidates(db: Database) -> None:
    def work(conn: Connection) -> list[int]:
        customer(conn)
        inbound = book.save(
            conn, {"key": "i", "name": "I", "trigger": {"kind": "message.received"}, "do": [{"action": "answer"}]}
        )
        return leads_found(conn, inbound)

    assert await db.write(work) == []


async def test_history_tells_the_last_firing_here_and_when_the_hourly_cap_frees(db: Database) -> None:
    def work(conn: Connection) -> Any:
        which = rule(conn, "followup.due", limits={"cooldownMinutes": 60, "maxPerHour": 2})
        here, there = customer(conn), customer(conn)
        for minutes, who in ((50, here), (40, here), (30, there)):
            row = {
                "rule_id": which.id, "rule_version": 1, "verdict": "fired", "reason": "", "episode": f"{minutes}", "trace": {},
                "conversation_id": who.conversation_id, "at": NOON - timedelta(minutes=minutes),
            }  # fmt: skip
            conn.execute(rule_runs.insert().values(**row))
        facts = facts_of(conn, here, None, trigger="followup.due")
        unlimited = book.save(conn, {"key": "u", "name": "U", "trigger": {"kind": "followup.due"}, "do": [HELLO]})
        return history.add(conn, facts, [which, unlimited]).history, which.id

    found, rule_id = await db.write(work)

    assert found.keys() == {rule_id}
    assert found[rule_id].last_fired_at == NOON - timedelta(minutes=40)
    assert found[rule_id].capped_until == NOON + timedelta(minutes=20)


async def test_messages_of_the_thread_do_not_make_it_due_again(db: Database) -> None:
    def work(conn: Connection) -> list[int]:
        which = rule(conn, "team.silent", hours=1)
        who = customer(conn)
        writes(conn, who, "hello")
        said(conn, who, "hi")
        conn.execute(update(conversations).values(unanswered_since=None))
        return leads_found(conn, which)

    assert await db.write(work) == []
