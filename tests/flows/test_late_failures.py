"""A provider says no: at once or hours later by a status, the same follows from the same code."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select

from leadkeeper import clock
from leadkeeper.crm import composing, outbox
from leadkeeper.jobs import chain
from leadkeeper.simulator.behaviour import Behaviour, Step
from leadkeeper.store import settings_rows
from leadkeeper.store.database import Database
from leadkeeper.store.schema import channel_accounts, identities, jobs, tasks, templates
from leadkeeper.store.schema import contacts as people
from leadkeeper.store.schema import conversations as threads
from tests.flows.test_main_job import SARA, user
from tests.flows.test_nothing_stays_open import HOURS, settled, tell, thread_of
from tests.flows.town import Town, town

TEMPLATE = {"name": "ready", "language": "en", "parameters": ["Sara"]}


async def refused(place: Town, code: int, *, late: bool, times: int | None = 1) -> None:
    """The next message is refused with `code`: by the provider's answer, or by a status after it took it."""
    if late:
        place.provider.behaviour = Behaviour(statuses=("sent", "failed"))
        place.provider.script(
            SARA, [Step(times=times, statuses=("sent", "failed"), fail_code=code), Step(statuses=("sent",), times=None)]
        )
    else:
        place.provider.script(SARA, [Step("error", times=times, status=400, code=code)])


async def writes(place: Town, **given: Any) -> int:
    """A rule writes to Sara, who has written before."""
    thread = await thread_of(place)
    draft = {"author": "rule", "purpose": "reply", "body": "It is ready.", "cause": f"test:{clock.monotonic()}", **given}
    return await place.db.write(lambda conn: outbox.write(conn, composing.Draft(conversation_id=thread.id, **draft)) or 0)


async def known(place: Town) -> None:
    await place.says(SARA, HOURS)
    await place.idle()


async def ended(place: Town) -> None:
    """Everything is done, and every status has come and been worked off."""
    for _ in range(500):
        await settled(place)
        if not place.provider.deliverer.pending:
            break
        await asyncio.sleep(0.02)
    await settled(place)


late_or_at_once = pytest.mark.parametrize("late", [False, True])


@late_or_at_once
async def test_a_closed_window_sends_the_rules_template(db: Database, tmp_path: Path, late: bool) -> None:
    async with town(db, tmp_path) as place:
        await known(place)
        await refused(place, 131047, late=late)
        await writes(place, template=TEMPLATE)
        await ended(place)

        _, text, template = await place.outbound()
        assert (text.kind, text.state, text.error_code) == ("text", "failed", "131047")
        assert (template.kind, template.state in ("accepted", "sent", "delivered", "read")) == ("template", True)


async def test_a_window_known_to_be_closed_costs_no_call_for_the_text(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await known(place)
        before = place.calls()
        old = {"last_inbound_at": clock.now().replace(year=2020)}
        await place.db.write(lambda conn: conn.execute(threads.update().values(**old)) and None)
        await writes(place, purpose="notice", template=TEMPLATE)
        await ended(place)

        _, text, template = await place.outbound()
        assert (text.state, text.reason) == ("cancelled", "window")
        assert template.kind == "template"
        assert place.calls() == before + 1


@late_or_at_once
async def test_who_wants_no_more_messages_gets_none_and_nobody_is_called(db: Database, tmp_path: Path, late: bool) -> None:
    async with town(db, tmp_path) as place:
        await refused(place, 131050, late=late)
        await place.says(SARA, HOURS)
        await ended(place)

        assert await place.decided() == [("silent", "opted_out")]
        assert await place.count(people, people.c.opted_out_by == "provider") == 1
        assert await place.count(tasks) == 0


async def test_a_payment_problem_told_by_a_status_halts_the_account_and_keeps_its_jobs(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await refused(place, 131042, late=True)
        await place.says(SARA, HOURS)
        await ended(place)
        await place.says("971500000002", HOURS)
        await place.idle()

        (account,) = await place.rows(select(channel_accounts).where(channel_accounts.c.id == place.account_id))
        assert account.state == "halted"
        assert "131042" in account.halted_reason
        assert await place.decided() == [("handed_over", "send_failed"), ("answered", "documents")]
        assert await place.count(jobs, jobs.c.type == "send", jobs.c.status == "pending", jobs.c.run_at == clock.FAR) == 1


@late_or_at_once
async def test_a_template_the_provider_stopped_is_used_by_no_rule_any_more(db: Database, tmp_path: Path, late: bool) -> None:
    async with town(db, tmp_path) as place:
        await known(place)
        await place.db.write(approve, "ready", "en", "Hello {name}, it is ready.")
        await refused(place, 132015, late=late)
        await writes(place, kind="template", template=TEMPLATE)
        await ended(place)

        assert [row.status for row in await place.rows(select(templates))] == ["paused"]


async def test_a_template_missing_in_a_language_goes_in_another_once(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await known(place)
        await place.db.write(approve, "ready", "en", "Hello {name}, it is ready.")
        await place.db.write(approve, "ready", "ar", "مرحبًا {name}، طلبك جاهز.")
        await refused(place, 132001, late=False, times=None)
        await writes(place, kind="template", template={**TEMPLATE, "language": "ar"})
        await ended(place)

        _, first, second = await place.outbound()
        assert (first.state, first.template["language"]) == ("failed", "ar")
        assert (second.state, second.template["language"], second.body) == ("failed", "en", "Hello Sara, it is ready.")


async def test_a_medium_the_provider_cannot_take_goes_as_a_link_after_one_more_try(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, backoff_seconds=0.01) as place:
        omar = await user(place)
        await known(place)
        await refused(place, 131053, late=False, times=2)
        media = {"type": "image", "link": "https://example.com/a.png"}
        await writes(place, author="person", purpose="person", user_id=omar, kind="image", body="Our office", media=media)
        await ended(place)

        _, picture, text = await place.outbound()
        assert (picture.state, picture.attempt) == ("failed", 2)
        assert (text.kind, text.body) == ("text", "Our office\nhttps://example.com/a.png")
        assert await place.count(tasks, tasks.c.kind == "send_failed") == 0


async def test_where_the_business_scoped_id_is_not_taken_the_known_number_is(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await known(place)
        thread = await thread_of(place)

        def rename(conn: Connection) -> None:
            values = {"contact_id": thread.contact_id, "account_id": place.account_id, "created_at": clock.now()}
            conn.execute(insert(identities).values(external_id="AE.abc123", kind="bsuid", **values))
            conn.execute(threads.update().values(address="AE.abc123"))

        await place.db.write(rename)
        place.provider.script("AE.abc123", [Step("error", status=400, code=131062)])
        await writes(place)
        await ended(place)

        _, first, second = await place.outbound()
        assert first.state == "failed"
        assert second.state in ("accepted", "sent", "delivered", "read")
        assert (await thread_of(place)).address == SARA


async def test_a_rules_message_to_somebody_whose_key_has_changed_calls_a_person(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await place.db.write(settings_rows.save, "quiet_hours", None)
        await known(place)
        await refused(place, 137000, late=False)
        await writes(place, purpose="proactive")
        await ended(place)

        assert (await thread_of(place)).owner == "nobody"


async def test_a_failure_told_twice_is_acted_on_once(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        place.provider.behaviour = Behaviour(statuses=())
        await known(place)
        (row,) = await place.outbound()
        for _ in range(2):
            await tell(place, row.external_id, "failed", row.token, 131026)
        await place.idle()

        assert await place.decided() == [("handed_over", "send_failed")]
        assert await place.count(tasks) == 1


def approve(conn: Connection, name: str, language: str, body: str) -> None:
    row = {"channel": "whatsapp", "name": name, "language": language, "body": body, "status": "approved"}
    conn.execute(insert(templates).values(**row, updated_at=clock.now()))


async def test_a_refused_answer_still_tells_which_messages_it_was_for(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, quiet_seconds=0.5) as place:
        await refused(place, 131026, late=False)
        await place.says(SARA, "What are your opening hours?")
        await place.says(SARA, "what are your opening hours")
        await place.until(jobs, jobs.c.type == "send", jobs.c.status == "failed")
        answer = next(row for row in await place.outbound() if row.purpose == "reply")

        story = await place.db.read(chain.of_message, answer.id)

        assert answer.state == "failed"
        assert [said.body for said in story.inbound] == ["What are your opening hours?", "what are your opening hours"]
        assert {row.outcome for row in story.decisions} == {"handed_over"}
