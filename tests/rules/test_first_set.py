"""The rules every new database starts with: each of them fires, and does what its name says."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select

from leadkeeper import clock
from leadkeeper.crm import contacts, conversations, expiries, leads
from leadkeeper.rules import book, candidates, history, runs
from leadkeeper.rules.actions.base import Context, Effect
from leadkeeper.rules.decide import decide
from leadkeeper.rules.facts import Facts
from leadkeeper.rules.model import Rule
from leadkeeper.store.database import Database
from leadkeeper.store.schema import leads as leads_table
from leadkeeper.store.schema import messages, rule_runs, tasks, templates, users
from tests.rules.people import NOON, REACH, SETTINGS, Customer, customer, facts_of, said, seeded, writes

Done = dict[str, list[Effect]]


@pytest.fixture(autouse=True)
def at_noon() -> Iterator[None]:
    """It is noon on a working day."""
    with clock.use(lambda: NOON):
        yield


def carry_out(conn: Connection, rules: Sequence[Rule], facts: Facts) -> Done:
    """Try rules in their order, as the job does; what each one that fired came to."""
    done: Done = {}
    settled: str | None = None
    for rule in rules:
        decision = decide(rule, facts, facts.now, settled=settled)
        if not decision.fired and not decision.near:
            continue
        run_id = runs.record(conn, runs.Run(rule, decision, facts, 1))
        if not decision.fired or run_id is None:
            continue
        context = Context(rule_id=rule.id, rule_key=rule.key, episode=decision.episode, run_row_id=run_id, job_id=1)
        effects = [step.action.run(conn, facts, step.params, context) for step in decision.actions]
        runs.finish(conn, run_id, decision, effects, job_id=1)
        done[rule.key] = effects
        for effect in effects:
            settled = settled or effect.hand_over or effect.silent or ("answer" if effect.wants_answer else None)
    return done


def receive(conn: Connection, who: Customer, text: str, **more: Any) -> Done:
    """A message comes in and the rules are tried."""
    event_id = writes(conn, who, text, **more)
    return carry_out(conn, book.active(conn, "message.received"), facts_of(conn, who, event_id))


def run_scheduled(conn: Connection, now: datetime = NOON) -> Done:
    """Every scheduled rule looks at everybody who is due."""
    with clock.use(lambda: now):
        return _run_scheduled(conn, now)


def _run_scheduled(conn: Connection, now: datetime) -> Done:
    done: Done = {}
    for kind in ("followup.due", "team.silent", "date.approaching"):
        for rule in book.active(conn, kind):
            for candidate in candidates.find(conn, rule, now, SETTINGS):
                facts = history.add(conn, candidates.facts_of(conn, rule, candidate, now, SETTINGS, REACH), [rule])
                done |= carry_out(conn, [rule], facts)
    return done


async def test_a_question_is_answered_from_the_documents_and_the_first_answer_begins_with_a_welcome(db: Database) -> None:
    def work(conn: Connection) -> list[Done]:
        seeded(conn)
        who = customer(conn)
        first = receive(conn, who, "how much is a family visa?")
        said(conn, who, "Hello Ravi Kumar ... 100")
        return [first, receive(conn, who, "and for two?")]

    first, second = await db.write(work)

    assert first.keys() == {"answer", "welcome"}
    assert first["answer"][0].wants_answer
    assert first["welcome"][0].first_line == "Hello Ravi Kumar, thank you for writing to our team."
    assert second.keys() == {"answer"}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("can I speak to a human?", "hand_over_human"),
        ("ابي اكلم المدير", "hand_over_human"),
        ("this is unacceptable", "hand_over_anger"),
        ("my lawyer will call you", "hand_over_legal"),
        ("I want a refund", "hand_over_refund"),
        ("رجعوا فلوسي", "hand_over_refund"),
        ("you charged me twice", "hand_over_payment"),
        ("I have a complaint", "hand_over_complaint"),
    ],
)
async def test_words_of_each_class_hand_over_with_their_reason_and_nothing_is_answered(db: Database, text: str, key: str) -> None:
    def work(conn: Connection) -> Done:
        seeded(conn)
        return receive(conn, customer(conn), text)

    done = await db.write(work)

    assert done.keys() == {key}
    assert done[key][0].hand_over == key.removeprefix("hand_over_")


async def test_what_cannot_be_read_is_handed_over(db: Database) -> None:
    def work(conn: Connection) -> Done:
        seeded(conn)
        return receive(conn, customer(conn), "", kind="audio")

    assert (await db.write(work))["hand_over_media"][0].hand_over == "media"


async def test_stop_opts_out_in_silence_and_start_opts_in_again(db: Database) -> None:
    def work(conn: Connection) -> list[Any]:
        seeded(conn)
        who = customer(conn)
        waiting = said(conn, who, "soon", state="ready")
        seen: list[Any] = [receive(conn, who, "STOP!").keys()]
        seen.append(contacts.get(conn, who.contact_id).opted_out_by)
        seen.append(conn.execute(select(messages.c.state).where(messages.c.id == waiting)).scalar_one())
        seen.append(receive(conn, who, "what does it cost").keys())
        seen.append(receive(conn, who, "START").keys())
        seen.append(contacts.get(conn, who.contact_id).opted_out_at)
        seen.append("answer" in receive(conn, who, "what does it cost"))
        return seen

    assert await db.write(work) == [{"opt_out"}, "word", "cancelled", set(), {"opt_in"}, None, True]


async def test_start_from_somebody_who_never_stopped_is_an_ordinary_message(db: Database) -> None:
    def work(conn: Connection) -> Any:
        seeded(conn)
        return receive(conn, customer(conn), "start").keys()

    assert "opt_in" not in await db.write(work)


async def test_a_conversation_a_person_owns_is_left_to_them_but_stop_still_counts(db: Database) -> None:
    def work(conn: Connection) -> list[Any]:
        seeded(conn)
        who = customer(conn)
        user_id = _user(conn)
        conn.execute(leads_table.update().values(owner_id=user_id))
        conversations.assign(conn, who.conversation_id, user_id)
        return [receive(conn, who, text).keys() for text in ("I want a human", "how much?", "STOP")]

    assert await db.write(work) == [set(), set(), {"opt_out"}]


async def test_a_follow_up_that_is_due_is_sent_once_and_its_date_cleared(db: Database) -> None:
    def work(conn: Connection) -> list[Any]:
        seeded(conn)
        who = customer(conn)
        writes(conn, who, "hello")
        leads.set_follow_up(conn, who.lead_id, NOON - timedelta(minutes=5))
        first, second = run_scheduled(conn), run_scheduled(conn)
        row = conn.execute(
            select(messages.c.body, messages.c.purpose, messages.c.author).where(messages.c.direction == "out")
        ).one()
        return [first.keys(), second.keys(), tuple(row), leads.get(conn, who.lead_id).next_follow_up_at]

    first, second, message, due = await db.write(work)

    assert (first, second, due) == ({"followup_due"}, set(), None)
    assert message[0].startswith("Hello Ravi Kumar, we are following up on your request.")
    assert message[1:] == ("proactive", "rule")


async def test_a_follow_up_the_window_shuts_out_becomes_a_task(db: Database) -> None:
    def work(conn: Connection) -> list[Any]:
        seeded(conn)
        who = customer(conn, channel="whatsapp")
        writes(conn, who, "hello", NOON - timedelta(days=3))
        leads.set_follow_up(conn, who.lead_id, NOON)
        return [run_scheduled(conn).keys(), conn.execute(select(tasks.c.title, tasks.c.kind)).all(), len(_bodies(conn))]

    done, made, sent = await db.write(work)

    assert done == {"followup_due"}
    assert [tuple(task) for task in made] == [("Follow up with Ravi Kumar about your request", "follow_up")]
    assert sent == 0


async def test_nobody_answering_for_48_hours_is_a_task_for_the_owner_once_and_no_message(db: Database) -> None:
    def work(conn: Connection) -> list[Any]:
        seeded(conn)
        who = customer(conn)
        with clock.use(lambda: NOON - timedelta(hours=48)):
            writes(conn, who, "hello?", NOON - timedelta(hours=48))
        user_id = _user(conn)
        conn.execute(leads_table.update().values(owner_id=user_id))
        early = run_scheduled(conn, NOON - timedelta(minutes=1)).keys()
        seen = [run_scheduled(conn).keys(), run_scheduled(conn, NOON + timedelta(hours=1)).keys()]
        task = conn.execute(select(tasks.c.title, tasks.c.kind, tasks.c.owner_id)).one()
        return [early, *seen, (task.title, task.kind, task.owner_id == user_id), len(_bodies(conn))]

    assert await db.write(work) == [
        set(), {"no_answer_48h"}, set(), ("Nobody has answered Ravi Kumar for 48 hours", "no_answer", True), 0,
    ]  # fmt: skip


@pytest.mark.parametrize("days", [90, 30, 7, 1])
async def test_an_expiry_is_reminded_of_on_its_day_once(db: Database, days: int) -> None:
    def work(conn: Connection) -> list[Any]:
        seeded(conn)
        who = customer(conn)
        writes(conn, who, "hi")
        expiries.learn(conn, who.lead_id, "visa", NOON.date() + timedelta(days=days))
        before = run_scheduled(conn, NOON - timedelta(days=1)).keys()
        return [before, run_scheduled(conn).keys(), run_scheduled(conn, NOON + timedelta(hours=1)).keys(), _bodies(conn)]

    before, first, again, bodies = await db.write(work)

    assert (before, first, again) == (set(), {f"expiry_{days}"}, set())
    assert len(bodies) == 1
    assert "your visa expires" in bodies[0]


async def test_a_reminder_speaks_the_customers_language(db: Database) -> None:
    def work(conn: Connection) -> list[str]:
        seeded(conn)
        who = customer(conn, language="ar", name="محمد")
        writes(conn, who, "مرحبا")
        expiries.learn(conn, who.lead_id, "passport", NOON.date() + timedelta(days=30))
        run_scheduled(conn)
        return _bodies(conn)

    assert await db.write(work) == ["مرحبًا محمد، تنتهي صلاحية جواز السفر خلال 30 يومًا، بتاريخ 09/04/2027. هل نبدأ التجديد؟"]


async def test_an_approved_template_goes_where_the_window_is_shut(db: Database) -> None:
    def work(conn: Connection) -> Any:
        row = {
            "channel": "whatsapp",
            "name": "follow",
            "language": "en_US",
            "body": "Dear {name}, about {service}",
            "status": "approved",
        }
        conn.execute(insert(templates).values(**row, updated_at=NOON))
        text = {"action": "send_text", "text": {"en": "Hi"}, "template": "follow"}
        book.save(conn, {"key": "f", "name": "F", "trigger": {"kind": "followup.due"}, "do": [text]})
        who = customer(conn, channel="whatsapp")
        writes(conn, who, "hello", NOON - timedelta(days=3))
        leads.set_follow_up(conn, who.lead_id, NOON)
        run_scheduled(conn)
        query = select(messages.c.kind, messages.c.body, messages.c.template).where(messages.c.direction == "out")
        return conn.execute(query).one()

    kind, body, template = await db.write(work)

    assert (kind, body) == ("template", "Dear Ravi Kumar, about your request")
    assert template == {"name": "follow", "language": "en_US", "parameters": ["Ravi Kumar", "your request"]}


async def test_a_firing_is_claimed_once_and_a_near_miss_may_come_again(db: Database) -> None:
    def work(conn: Connection) -> list[Any]:
        seeded(conn)
        who = customer(conn)
        event_id = writes(conn, who, "how much?")
        rule = next(each for each in book.active(conn, "message.received") if each.key == "answer")
        facts = facts_of(conn, who, event_id)
        fired = decide(rule, facts, NOON)
        missed = decide(rule, replace(facts, owner="user"), NOON)
        ids = [runs.record(conn, runs.Run(rule, each, facts)) for each in (fired, fired, missed, missed)]
        log = runs.log(conn, conversation_id=who.conversation_id)
        return [[each is not None for each in ids], [(row.verdict, row.reason, row.rule_key) for row in log]]

    claimed, log = await db.write(work)

    assert claimed == [True, False, True, True]
    assert log == [("blocked", "user_owns", "answer"), ("blocked", "user_owns", "answer"), ("fired", "fired", "answer")]


async def test_an_ordinary_message_leaves_few_rows(db: Database) -> None:
    def work(conn: Connection) -> list[tuple[str, str]]:
        seeded(conn)
        receive(conn, customer(conn), "how much is a visa?")
        return [(row.verdict, row.reason) for row in conn.execute(select(rule_runs).order_by(rule_runs.c.id))]

    assert await db.write(work) == [("fired", "fired"), ("fired", "fired")]


def _user(conn: Connection) -> int:
    row = {"email": "a@b.co", "name": "A", "role": "agent", "password_hash": "x", "created_at": NOON}
    return int(conn.execute(insert(users).values(**row).returning(users.c.id)).scalar_one())


def _bodies(conn: Connection) -> list[str]:
    return list(conn.execute(select(messages.c.body).where(messages.c.direction == "out").order_by(messages.c.id)).scalars())
