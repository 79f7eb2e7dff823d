"""What each action writes, and what it says came of it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update

from leadkeeper import clock
from leadkeeper.crm import conversations, leads
from leadkeeper.rules.actions.base import Context, Effect, actions
from leadkeeper.rules.facts import Facts
from leadkeeper.store.database import Database
from leadkeeper.store.schema import jobs, messages, tasks, templates, timeline, users
from leadkeeper.store.schema import leads as leads_table
from tests.rules.people import NOON, Customer, customer, facts_of, writes

CTX = Context(rule_id=7, rule_key="r", episode="e", run_row_id=3, job_id=1)


@pytest.fixture(autouse=True)
def at_noon() -> Iterator[None]:
    """It is noon on a working day."""
    with clock.use(lambda: NOON):
        yield


def act(conn: Connection, name: str, facts: Facts, **params: Any) -> Effect:
    action = actions.get(name)
    return action.run(conn, facts, action.params.model_validate(params), CTX)


def user(conn: Connection, **more: Any) -> int:
    row = {"email": "a@b.co", "name": "A", "role": "agent", "password_hash": "x", "created_at": NOON, **more}
    return int(conn.execute(insert(users).values(**row).returning(users.c.id)).scalar_one())


def inbound(conn: Connection, who: Customer) -> Facts:
    return facts_of(conn, who, writes(conn, who, "hello"))


async def test_send_text_writes_one_message_with_its_send_job_however_often_it_runs(db: Database) -> None:
    def work(conn: Connection) -> Any:
        facts = inbound(conn, customer(conn))
        first = act(conn, "send_text", facts, text={"en": "Hello {name}"})
        second = act(conn, "send_text", facts, text={"en": "Hello {name}"})
        row = conn.execute(select(messages).where(messages.c.direction == "out")).one()
        return first, second, row, conn.execute(select(jobs.c.type, jobs.c.data)).all()

    first, second, row, queued = await db.write(work)

    assert (first.status, first.message_id, second.status) == ("done", row.id, "skipped")
    assert (row.body, row.author, row.purpose, row.state, row.cause, row.rule_run_id) == (
        "Hello Ravi Kumar", "rule", "reply", "ready", "run:7:e", 3,
    )  # fmt: skip
    assert [(each.type, each.data) for each in queued] == [("send", {"messageId": row.id})]


async def test_a_shut_window_without_an_approved_template_is_skipped_with_its_reason(db: Database) -> None:
    def work(conn: Connection) -> list[Effect]:
        facts = facts_of(conn, customer(conn, channel="whatsapp"), None, trigger="followup.due")
        row = {"channel": "whatsapp", "name": "t", "language": "ar", "body": "{name}", "status": "paused"}
        conn.execute(insert(templates).values(**row, updated_at=NOON))
        chat = facts_of(conn, customer(conn), None)
        return [
            act(conn, "send_text", facts, text={"en": "x"}, template="t"),
            act(conn, "send_template", facts, template="t"),
            act(conn, "send_template", chat, template="t"),
        ]

    assert [effect.status for effect in await db.write(work)] == ["skipped"] * 3


async def test_a_template_is_sent_in_the_customers_language_with_its_parameters_in_order(db: Database) -> None:
    def work(conn: Connection) -> Any:
        for language, body in (("en", "{service} {name}"), ("ar", "{name} {expiry_kind} {name}")):
            row = {"channel": "whatsapp", "name": "t", "language": language, "body": body, "status": "approved"}
            conn.execute(insert(templates).values(**row, updated_at=NOON))
        act(conn, "send_template", facts_of(conn, customer(conn, channel="whatsapp", language="ar"), None), template="t")
        return conn.execute(select(messages.c.template, messages.c.body, messages.c.kind)).one()

    template, body, kind = await db.write(work)

    assert template == {"name": "t", "language": "ar", "parameters": ["Ravi Kumar", "المستند"]}
    assert (body, kind) == ("Ravi Kumar المستند Ravi Kumar", "template")


async def test_a_task_is_made_once_per_occasion_and_names_the_conversation_of_a_nameless_customer(db: Database) -> None:
    def work(conn: Connection) -> Any:
        who = customer(conn, name="Unknown User")
        facts = inbound(conn, who)
        effects = [act(conn, "create_task", facts, title="Call {name}", dueInDays=2).status for _ in range(2)]
        task = conn.execute(select(tasks)).one()
        return effects, task, who

    effects, task, who = await db.write(work)

    assert effects == ["done", "skipped"]
    assert (task.title, task.due_at, task.lead_id) == (
        f"Call conversation {who.conversation_id}",
        NOON + timedelta(days=2),
        who.lead_id,
    )


async def test_stage_and_follow_up(db: Database) -> None:
    def work(conn: Connection) -> list[Any]:
        who = customer(conn)
        facts = inbound(conn, who)
        seen: list[Any] = [
            act(conn, "set_stage", facts, stage="engaged").status,
            act(conn, "set_stage", facts, stage="engaged").status,
        ]
        act(conn, "set_follow_up", facts, inDays=3)
        seen.append(leads.get(conn, who.lead_id).next_follow_up_at)
        act(conn, "set_follow_up", facts)
        return [*seen, leads.get(conn, who.lead_id).next_follow_up_at, leads.get(conn, who.lead_id).stage]

    assert await db.write(work) == ["done", "skipped", NOON + timedelta(days=3), None, "engaged"]


async def test_assigning_gives_the_conversation_to_the_leads_owner(db: Database) -> None:
    def work(conn: Connection) -> Any:
        who = customer(conn)
        user_id = user(conn)
        conn.execute(update(leads_table).values(owner_id=user_id))
        effect = act(conn, "assign", inbound(conn, who))
        again = act(conn, "assign", inbound(conn, who))
        row = conversations.get(conn, who.conversation_id)
        return effect, again, (row.owner, row.owner_id == user_id)

    effect, again, owner = await db.write(work)

    assert (effect.silent, again.status, owner) == ("person", "skipped", ("user", True))


async def test_assigning_to_nobody_or_to_a_user_who_is_gone_hands_over(db: Database) -> None:
    def work(conn: Connection) -> list[str | None]:
        facts = inbound(conn, customer(conn))
        gone = user(conn, disabled_at=NOON)
        return [act(conn, "assign", facts).hand_over, act(conn, "assign", facts, userId=gone).hand_over]

    assert await db.write(work) == ["assign", "assign"]


async def test_silence_and_hand_over_ask_for_what_they_say(db: Database) -> None:
    def work(conn: Connection) -> list[Effect]:
        facts = inbound(conn, customer(conn))
        return [
            act(conn, "silence", facts, reason="thanks"),
            act(conn, "hand_over", facts, reason="boats"),
            act(conn, "answer", facts),
        ]

    silent, handed, answered = await db.write(work)

    assert (silent.silent, handed.hand_over, answered.wants_answer) == ("thanks", "boats", True)


async def test_a_greeting_is_for_those_we_never_wrote_to_and_nobody_is_taken_from_a_person(db: Database) -> None:
    def work(conn: Connection) -> list[Effect]:
        facts = inbound(conn, customer(conn, language="ar"))
        hello = {"text": {"en": "Hello"}}
        owned = replace(facts, owner="user")
        return [
            act(conn, "welcome", facts, **hello),
            act(conn, "welcome", replace(facts, spoken=True), **hello),
            act(conn, "hand_over", owned),
        ]

    first, later, owned = await db.write(work)

    assert (first.first_line, later.status, owned.status) == ("Hello", "skipped", "skipped")


async def test_opting_out_is_written_on_the_timeline_once(db: Database) -> None:
    def work(conn: Connection) -> list[str]:
        facts = inbound(conn, customer(conn))
        act(conn, "opt_out", facts)
        act(conn, "opt_out", facts)
        act(conn, "opt_in", facts)
        assert act(conn, "opt_in", facts).status == "skipped"
        return list(conn.execute(select(timeline.c.kind).order_by(timeline.c.id)).scalars())

    assert await db.write(work) == ["opt_out", "opt_in"]
