"""An account whose provider does not answer rests: nothing goes but one trial after each rest, and nothing that waits is lost."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from leadkeeper import clock
from leadkeeper.crm import accounts, outages
from leadkeeper.crm.circuit import FIRST_REST, LONGEST_REST, MOST, Circuit
from leadkeeper.simulator import payloads
from leadkeeper.simulator.behaviour import Behaviour, Step
from leadkeeper.simulator.state import EVERYBODY, SimAccount
from leadkeeper.store.database import Database
from leadkeeper.store.schema import jobs, messages
from tests.flows.test_late_failures import writes
from tests.flows.test_nothing_stays_open import HOURS, settled
from tests.flows.test_waiting_sends import GONE, awake, later
from tests.flows.town import SECRET, Town, town
from tests.patience import until

REST = FIRST_REST * 1.3
"""More than a first rest lasts with its spread."""
SENT = messages.c.state.in_(GONE)


class Time:
    """The clock, `by` ahead: it only goes forward."""

    by = timedelta(0)

    def passes(self, more: timedelta) -> None:
        self.by += more


@contextmanager
def passing() -> Iterator[Time]:
    time = Time()
    with clock.use(lambda: datetime.now(UTC) + time.by):
        yield time


async def ask(place: Town, *numbers: int) -> None:
    """So many customers, by number, ask something; each is answered, or not."""
    for number in numbers:
        await place.says(f"97150000{number:04}", HOURS)
    await place.idle()


async def silent(place: Town, step: Step | None = None) -> None:
    """The provider ends every connection without an answer, or does `step`; so often that nothing is sent any more."""
    place.provider.behaviour = Behaviour(statuses=())
    place.provider.script(EVERYBODY, [step or Step("close", accept=False, times=None)])
    await ask(place, *range(MOST))


async def circuit(place: Town) -> Circuit | None:
    return place.account().circuit


async def test_after_failures_in_a_row_what_is_to_be_sent_waits_and_uses_no_try(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await silent(place)
        await ask(place, 11, 12, 13)

        open_one = await circuit(place)
        assert open_one is not None and open_one.is_open and open_one.failures == MOST
        assert place.calls() == MOST
        waiting = await place.rows(select(jobs).where(jobs.c.type == "send", jobs.c.key.is_not(None), jobs.c.status == "pending"))
        assert [(row.run_at, row.attempts) for row in waiting] == [(open_one.until, 0)] * 3
        assert {row.error for row in waiting} == {"the provider of Town does not answer"}
        assert [row.state for row in await place.outbound()] == ["unknown"] * MOST + ["ready"] * 3


async def test_when_the_provider_answers_again_the_trial_lets_all_go_that_waited(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await silent(place)
        await ask(place, 11, 12, 13)

        place.provider.scripts.clear()
        with later(REST):
            await settled(place)

        assert [row.state in GONE for row in await place.outbound()] == [False] * MOST + [True] * 3
        assert [row.attempt for row in await place.outbound()] == [1] * (MOST + 3)
        assert await circuit(place) is None


async def test_after_each_rest_one_message_is_tried_and_the_rest_doubles(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await silent(place)
        await ask(place, *range(11, 17))
        began = clock.now()

        calls, rests = [], []
        with passing() as time:
            for _ in range(3):
                time.passes(LONGEST_REST * 1.3)
                await place.until(messages, messages.c.state == "unknown", messages.c.state_at > began + time.by)
                await place.idle()
                kept = await circuit(place)
                calls.append(place.calls())
                assert kept is not None and kept.until is not None and kept.trial is None
                rests.append((kept.until - kept.failed_at) / FIRST_REST)

        assert calls == [MOST + 1, MOST + 2, MOST + 3]
        assert [round(rest / 2**n) for n, rest in enumerate(rests, 1)] == [1, 1, 1]
        assert await place.count(messages, messages.c.state == "ready", messages.c.attempt == 0) == 3


async def test_an_outage_that_lasts_uses_up_no_tries_once_the_account_rests(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, backoff_seconds=60) as place:
        place.provider.behaviour = Behaviour(statuses=())
        place.line.cut = True
        await ask(place, *range(MOST))
        assert place.line.dialled == MOST

        with passing() as time:
            for trials in range(1, 9):
                time.passes(LONGEST_REST * 1.3)
                await until(lambda: place.line.dialled > MOST + trials - 1)  # noqa: B023 - awaited here
                await place.idle()
                assert place.line.dialled == MOST + trials
            place.line.cut = False
            for _ in range(3):  # a jump of the clock while a trial is on its way takes its lease: that was no trial
                time.passes(2 * LONGEST_REST)
                await settled(place)

        assert [row.state in GONE for row in await place.outbound()] == [True] * MOST
        assert await circuit(place) is None


async def test_a_proactive_message_waits_likewise_and_its_trial_uses_no_try(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await awake(place)
        message_id = await _opened(place)
        place.line.cut = True

        with later(REST):
            await until(lambda: place.line.dialled == 2)
            await place.idle()

        kept = await circuit(place)
        assert kept is not None and (kept.openings, kept.failures) == (2, MOST + 1)
        (timer,) = await place.rows(select(jobs).where(jobs.c.type == "send", jobs.c.status == "pending"))
        assert timer.data == {"messageId": message_id, "timer": True, "tries": 0}


async def test_another_account_goes_on_meanwhile(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await silent(place)
        other = await place.db.write(_second_number, place)
        place.provider.scripts.clear()

        await _asks_other(place)
        await place.until(messages, messages.c.account_id == other, SENT)

        assert await circuit(place) is not None


async def test_a_number_whose_provider_hangs_holds_no_slots_that_another_needs(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, worker_slots=20) as place:
        other = await place.db.write(_second_number, place)
        await place.db.write(accounts.save_credentials, place.box, place.account_id, {}, {"throughput": 1_000})
        for number in range(40):
            place.provider.script(f"97150000{number:04}", [Step("hang", times=None)])
            await place.says(f"97150000{number:04}", HOURS)
        await until(lambda: place.calls() == 10)

        began = clock.now()
        await _asks_other(place)
        await place.until(messages, messages.c.account_id == other, SENT)

        assert clock.now() - began < timedelta(seconds=3), "one call lasts longer than this"
        assert await place.count(messages, messages.c.account_id == place.account_id, messages.c.state == "sending") == 10


@pytest.mark.parametrize(
    ("step", "still"),
    [(Step("error", status=400, code=131026), False), (Step("error", status=429, code=131056), False), (Step(), False)],
)
async def test_whatever_the_provider_answers_ends_the_row_of_failures(
    db: Database, tmp_path: Path, step: Step, still: bool
) -> None:
    async with town(db, tmp_path) as place:
        place.provider.behaviour = Behaviour(statuses=())
        place.provider.script(EVERYBODY, [Step("close", accept=False, times=MOST - 1), step])
        await ask(place, *range(MOST - 1))
        assert await circuit(place) is not None

        await ask(place, 11)

        assert (await circuit(place) is not None) == still


async def test_what_cannot_be_sent_at_all_says_nothing_of_the_provider(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await awake(place)
        await place.db.write(fail, place.account_id, MOST - 1)

        await writes(place, body=" ", purpose="reply")
        await settled(place)

        assert (await place.outbound())[-1].error_code == "empty"
        assert await circuit(place) is not None


async def test_a_halt_is_an_answer(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await awake(place)
        await place.db.write(fail, place.account_id, MOST - 1)
        place.provider.script(EVERYBODY, [Step("error", status=401, code=190)])

        await writes(place)
        await place.idle()

        assert place.account().state == "halted" and await circuit(place) is None


async def test_a_person_can_end_the_rest_and_one_message_is_tried_at_once(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await silent(place)
        await ask(place, 11, 12)

        assert await place.db.write(outages.try_now, place.account_id)
        await place.until(messages, messages.c.state == "unknown", messages.c.id == (await place.outbound())[MOST].id)
        await place.idle()

        assert place.calls() == MOST + 1
        kept = await circuit(place)
        assert kept is not None and kept.openings == 1 and kept.trial is None
        place.provider.scripts.clear()
        assert await place.db.write(outages.try_now, place.account_id)
        await place.until(messages, SENT)
        assert not await place.db.write(outages.try_now, place.account_id)


OTHER = SimAccount("100200301", token="town-token", app_secret=SECRET, target="http://town")


async def _asks_other(place: Town) -> None:
    message = payloads.message("wamid.other", "971500009999", payloads.text(HOURS), clock.now().timestamp())
    value = payloads.messages_value(OTHER, [message], {"971500009999": "Omar"})
    await place.take(payloads.envelope(OTHER, value))


def _second_number(conn: Connection, place: Town) -> int:
    place.provider.connect(OTHER)
    account_id = accounts.ensure(conn, "whatsapp", OTHER.phone_number_id, "Other", base_url="http://provider")
    accounts.save_credentials(conn, place.box, account_id, {"token": "town-token", "app_secret": SECRET})
    return account_id


def fail(conn: Connection, account_id: int, times: int) -> None:
    for number in range(times):
        outages.failed(conn, account_id, number, "no answer")


async def _opened(place: Town) -> int:
    """A proactive message waits for an account that rests."""
    await place.db.write(fail, place.account_id, MOST)
    message_id = await writes(place, purpose="proactive")
    await place.idle()
    return message_id


async def kept_of(place: Town) -> Circuit:
    kept = await circuit(place)
    assert kept is not None
    return kept
