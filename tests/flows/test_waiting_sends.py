"""Sends that wait: for a rate limit, for a back-off, for news of one in doubt. What waits holds up no more than it must."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, insert, select

from leadkeeper import clock
from leadkeeper.crm import accounts
from leadkeeper.crm import tasks as task_book
from leadkeeper.jobs import person
from leadkeeper.rules import book
from leadkeeper.simulator.behaviour import Behaviour, Step
from leadkeeper.store import settings_rows
from leadkeeper.store.database import Database
from leadkeeper.store.schema import jobs, messages, rule_runs, tasks
from tests.flows.test_late_failures import known, writes
from tests.flows.test_main_job import SARA, user
from tests.flows.test_nothing_stays_open import HOURS, OFFICE, settled, tell, thread_of
from tests.flows.town import Town, town

OMAR = "971500000002"
GONE = ("accepted", "sent", "delivered", "read")


@contextmanager
def later(by: timedelta) -> Iterator[None]:
    """So much later, and time goes on."""
    with clock.use(lambda: datetime.now(UTC) + by):
        yield


async def awake(place: Town) -> None:
    """A town without quiet hours in which Sara has been answered, and statuses stay away."""
    await place.db.write(settings_rows.save, "quiet_hours", None)
    place.provider.behaviour = Behaviour(statuses=())
    await known(place)


async def test_a_rate_limit_of_the_account_stops_its_other_sends_too(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        place.provider.behaviour = Behaviour(statuses=())
        place.provider.script(SARA, [Step("error", status=400, code=80007)])
        await place.says(SARA, HOURS)
        await place.idle()
        await place.says(OMAR, HOURS)
        await place.idle()
        assert place.calls() == 1
        soonest = min(row.run_at for row in await place.rows(select(jobs.c.run_at).where(jobs.c.status == "pending")))
        assert soonest > clock.now() + timedelta(seconds=50)

        with later(timedelta(seconds=65)):
            await settled(place)

        assert place.calls() == 3
        assert [row.state in GONE for row in await place.outbound()] == [True, True]


async def test_a_proactive_message_the_provider_puts_off_holds_up_no_answer(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await awake(place)
        place.provider.script(SARA, [Step("error", status=400, code=131049)])
        await writes(place, purpose="proactive")
        await place.idle()

        await place.says(SARA, OFFICE)
        await settled(place)

        _, proactive, answer = await place.outbound()
        assert (proactive.state, proactive.error_code) == ("ready", "131049")
        assert answer.state in GONE
        with later(timedelta(hours=25)):
            await settled(place)
        assert await place.count(messages, messages.c.id == proactive.id, messages.c.state.in_(("accepted", "cancelled"))) == 1


async def test_a_proactive_message_in_back_off_holds_up_no_answer_and_still_fails_after_four_calls(
    db: Database, tmp_path: Path
) -> None:
    async with town(db, tmp_path, backoff_seconds=1) as place:
        await awake(place)
        before = place.calls()
        place.provider.script(SARA, [Step("error", status=503, code=2)])
        message_id = await writes(place, purpose="proactive")
        await place.idle()
        await place.says(SARA, OFFICE)
        await settled(place)
        assert [row.state for row in await place.outbound()][1:] == ["ready", "accepted"]

        place.provider.script(SARA, [Step("error", times=None, status=503, code=2)])
        for seconds in (10, 60, 400, 3000):
            with later(timedelta(seconds=seconds)):
                await settled(place)

        (row,) = await place.rows(select(messages).where(messages.c.id == message_id))
        assert (row.state, row.error_code, row.attempt) == ("failed", "2", 4)
        assert place.calls() == before + 5


async def test_a_spam_limit_pauses_the_accounts_proactive_messages_and_no_answer(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await awake(place)
        place.provider.script(SARA, [Step("error", status=400, code=131048)])
        await writes(place, purpose="proactive")
        await place.idle()
        before = place.calls()

        await writes(place, purpose="proactive", body="Something else.")
        await place.says(OMAR, OFFICE)
        await settled(place)

        assert place.calls() == before + 1
        assert [row.state for row in await place.outbound() if row.purpose == "proactive"] == ["ready", "ready"]


async def test_a_send_in_doubt_is_a_persons_after_ten_minutes_and_asked_about_daily_for_a_week(
    db: Database, tmp_path: Path
) -> None:
    async with town(db, tmp_path) as place:
        place.provider.behaviour = Behaviour(statuses=())
        place.provider.script(SARA, [Step("html", status=502, accept=True)])
        await place.says(SARA, HOURS)
        await place.idle()
        with later(timedelta(minutes=9)):
            await place.idle()
            assert [row.state for row in await place.outbound()] == ["unknown"]

        asked = []
        for day in range(9):
            with later(timedelta(days=day, minutes=11 + day)):
                await settled(place)
                asked.append(await place.count(tasks, tasks.c.kind == "send_in_doubt", tasks.c.done_at.is_(None)))
                await place.db.write(task_book.finish, (await thread_of(place)).id, ("send_in_doubt",), None)

        assert asked == [1, 1, 1, 1, 1, 1, 1, 1, 0]
        assert [row.state for row in await place.outbound()] == ["needs_human"]
        assert place.calls() == 1
        assert await place.count(jobs, jobs.c.type == "send", jobs.c.status == "pending") == 0


async def test_a_question_whether_it_arrived_is_done_when_the_provider_says_so_after_all(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        place.provider.behaviour = Behaviour(statuses=())
        place.provider.script(SARA, [Step("html", status=502, accept=True)])
        await place.says(SARA, HOURS)
        await place.idle()
        with later(timedelta(minutes=11)):
            await settled(place)
            (row,) = await place.outbound()
            assert row.state == "needs_human"
            await tell(place, "wamid.late", "delivered", row.token)
            await settled(place)

        assert [row.state for row in await place.outbound()] == ["delivered"]
        assert await place.count(tasks, tasks.c.done_at.is_(None)) == 0


async def test_what_comes_after_a_send_in_doubt_goes_after_thirty_seconds(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        place.provider.behaviour = Behaviour(statuses=())
        place.provider.script(SARA, [Step("html", status=502, accept=True)])
        await place.says(SARA, HOURS)
        await place.idle()
        await place.says(SARA, OFFICE)
        await place.idle()
        assert [row.state for row in await place.outbound()] == ["unknown", "ready"]

        with later(timedelta(seconds=31)):
            await settled(place)

        assert [row.state for row in await place.outbound()] == ["unknown", "accepted"]


async def test_a_send_in_doubt_holds_up_its_own_conversation_alone(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        place.provider.behaviour = Behaviour(statuses=())
        place.provider.script(SARA, [Step("html", status=502, accept=True)])
        for text in (HOURS, OFFICE):
            await place.says(SARA, text)
            await place.idle()

        await place.says(OMAR, HOURS)
        await place.idle()

        assert [row.state for row in await place.outbound()] == ["unknown", "ready", "accepted"]


async def test_what_waited_for_a_halted_account_leaves_no_faster_than_its_rules_cap(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await awake(place)
        await place.db.write(accounts.halt, place.account_id, "190: expired")
        rule_id = await place.db.write(_capped_at_one)
        runs = [await place.db.write(_fired, rule_id, number) for number in range(2)]
        for number, run_id in enumerate(runs):
            message_id = await writes(place, purpose="proactive", body=f"News {number}", rule_run_id=run_id)
            await place.db.write(lambda conn, one=run_id, said=message_id: _wrote(conn, one, said))
        await place.idle()

        await place.db.write(accounts.resume, place.account_id)
        await settled(place)
        assert [row.state for row in await place.outbound()][1:] == ["accepted", "ready"]

        with later(timedelta(minutes=61)):
            await settled(place)
        assert [row.state for row in await place.outbound()][1:] == ["accepted", "accepted"]


def _capped_at_one(conn: Connection) -> int:
    document = next(each for each in book.first_set() if each["key"] == "followup_due")
    return int(book.save(conn, {**document, "key": "capped", "limits": {"maxPerHour": 1}}).id)


def _fired(conn: Connection, rule_id: int, number: int) -> int:
    row = {"rule_id": rule_id, "rule_version": 1, "verdict": "fired", "episode": f"e{number}", "trace": {}, "at": clock.now()}
    return int(conn.execute(insert(rule_runs).values(**row).returning(rule_runs.c.id)).scalar_one())


def _wrote(conn: Connection, run_id: int, message_id: int) -> None:
    conn.execute(rule_runs.update().where(rule_runs.c.id == run_id).values(message_id=message_id))


async def test_a_persons_message_whose_window_has_closed_meanwhile_is_shown_to_them(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        omar = await user(place)
        await awake(place)
        await place.db.write(accounts.halt, place.account_id, "190: expired")
        said = person.Said(text="Nine to eight, dear Sara.", client_id="c1")
        await place.db.write(person.say, place.settings, (await thread_of(place)).id, omar, said)

        with later(timedelta(hours=25)):
            await place.db.write(accounts.resume, place.account_id)
            await settled(place)

        assert [row.reason for row in await place.outbound()][1:] == ["window"]
        assert await place.count(tasks, tasks.c.kind == "send_failed", tasks.c.owner_id == omar) == 1
