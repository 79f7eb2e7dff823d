"""A hand-over: the customer is told once, the machine is silent, and nobody is forgotten who still waits."""

import asyncio
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from leadkeeper import clock
from leadkeeper.crm import conversations
from leadkeeper.jobs import decide as deciding
from leadkeeper.jobs import person
from leadkeeper.simulator import payloads
from leadkeeper.simulator.behaviour import Behaviour, Step
from leadkeeper.store.database import Database
from leadkeeper.store.schema import conversations as threads
from leadkeeper.store.schema import decisions, messages, tasks
from tests.flows.test_main_job import SARA, user
from tests.flows.test_nothing_stays_open import settled, tell, thread_of
from tests.flows.test_scheduled_rules import run
from tests.flows.town import Town, town

HOURS = "What are your opening hours?"
HUMAN = "I want to talk to a human"


async def echo(place: Town, content: dict[str, Any], wamid: str = "wamid.echo") -> None:
    """The owner wrote to Sara from the phone app."""
    row = {"from": place.sim_account.display_number, "to": SARA, "id": wamid, "timestamp": str(int(clock.now().timestamp()))}
    value = {**payloads.messages_value(place.sim_account, [], {}), "message_echoes": [{**row, **content}]}
    await place.take(payloads.envelope(place.sim_account, value, field="smb_message_echoes"))


async def notices(place: Town) -> list[str]:
    rows = await place.rows(select(messages.c.state).where(messages.c.purpose == "notice").order_by(messages.c.id))
    return [row.state for row in rows]


async def waits_since(place: Town) -> Any:
    return (await thread_of(place)).unanswered_since


async def test_a_notice_that_still_waits_is_not_taken_back_by_the_customers_next_message(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, backoff_seconds=0.4) as place:
        place.provider.script(SARA, [Step("error", times=1, status=503, code=2)])
        await place.says(SARA, HUMAN)
        await place.idle()
        assert await notices(place) == ["ready"]

        await place.says(SARA, "please")
        await settled(place)

        assert [state in ("accepted", "sent", "delivered", "read") for state in await notices(place)] == [True]


async def test_who_has_the_owner_on_the_phone_is_not_told_that_somebody_will_come(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await place.says(SARA, HOURS)
        await place.idle()
        await echo(place, payloads.text("Sara, shall we meet on Monday?"))
        await place.idle()

        await place.says(SARA, "Yes please")
        await place.idle()

        assert await notices(place) == []
        assert (await place.decided())[-1] == ("handed_over", "not_ai")
        assert await place.count(tasks, tasks.c.kind == "handover", tasks.c.done_at.is_(None)) == 1


async def test_a_notice_that_still_waits_is_dropped_when_the_conversation_is_given_back(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, backoff_seconds=0.4) as place:
        omar = await user(place)
        place.provider.script(SARA, [Step("error", times=1, status=503, code=2)])
        await place.says(SARA, HUMAN)
        await place.idle()

        await place.db.write(conversations.give_back, (await thread_of(place)).id, omar)
        await settled(place)

        assert await notices(place) == ["cancelled"]


async def test_a_customer_whose_message_could_not_be_worked_off_is_told_once(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **more: Any) -> None:
        raise RuntimeError("out of order")

    async with town(db, tmp_path) as place:
        monkeypatch.setattr(deciding, "judge", broken)
        await place.says(SARA, HOURS)
        await place.says(SARA, HOURS)
        await settled(place)

        assert await place.decided() == [("handed_over", "job_failed")] * 2
        assert len(await notices(place)) == 1
        assert place.calls() == 1


async def test_a_notice_is_no_answer_and_the_owner_is_told_after_48_hours(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await place.says(SARA, HUMAN)
        await place.idle()
        assert place.calls() == 1

        with clock.use(partial(later, timedelta(hours=49))):
            await run(place)

        assert await place.count(tasks, tasks.c.kind == "no_answer") == 1


def later(by: timedelta) -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC) + by


async def test_what_needs_no_answer_waits_for_none(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await place.says(SARA, HOURS)
        await place.idle()
        await place.says(SARA, "Thank you so much")
        await place.idle()
        assert await waits_since(place) is None

        await place.says(SARA, HUMAN)
        await place.idle()
        since = await waits_since(place)
        await place.says(SARA, "thanks")
        await place.idle()

        assert since is not None
        assert await waits_since(place) == since


async def test_who_writes_while_the_answer_leaves_still_waits_for_their_own(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        place.provider.script(SARA, [Step(latency_ms=600)])
        await place.says(SARA, HOURS)
        await until_sending(place)

        await place.says(SARA, HUMAN)
        await settled(place)

        assert [outcome for outcome, _ in await place.decided()] == ["answered", "handed_over"]
        assert await waits_since(place) is not None


async def until_sending(place: Town) -> None:
    end = clock.monotonic() + 10
    while not await place.count(messages, messages.c.state == "sending"):
        assert clock.monotonic() < end, "it never left"
        await asyncio.sleep(0.01)


async def test_a_send_in_doubt_that_arrived_ends_the_wait(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        place.provider.behaviour = Behaviour(statuses=())
        place.provider.script(SARA, [Step("html", status=502, accept=True)])
        await place.says(SARA, HOURS)
        await place.idle()
        assert await waits_since(place) is not None

        (row,) = await place.outbound()
        await tell(place, "wamid.late", "delivered", row.token)
        await place.idle()

        assert await waits_since(place) is None


async def test_a_persons_word_that_it_arrived_ends_the_wait(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        omar = await user(place)
        place.provider.behaviour = Behaviour(statuses=())
        place.provider.script(SARA, [Step("html", status=502, accept=True)])
        await place.says(SARA, HOURS)
        await place.idle()
        (row,) = await place.outbound()

        await place.db.write(person.it_arrived, row.id, omar)

        assert await waits_since(place) is None


async def test_an_answer_the_customer_wants_no_more_closes_silent_when_it_fails(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        place.provider.script(SARA, [Step("error", times=None, status=400, code=131050)])
        await place.says(SARA, HOURS)
        await place.idle()

        assert await place.decided() == [("silent", "opted_out")]
        assert await place.count(tasks) == 0
        assert (await thread_of(place)).owner == "ai"


async def test_a_reply_that_finds_a_conversation_in_other_hands_leaves_nothing_open(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, quiet_seconds=0.5) as place:
        await place.says(SARA, HOURS)
        await place.idle()

        await place.db.write(_taken)
        await settled(place)

        assert await place.count(decisions, decisions.c.outcome.is_(None)) == 0
        assert await place.sent() == []


def _taken(conn: Connection) -> None:
    """As when a redraft reopened it beside the hand-over."""
    conn.execute(threads.update().values(owner="nobody"))
