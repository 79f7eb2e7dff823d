"""A provider's limits are kept before it has to refuse; what waits for its turn keeps its place and its tries."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, insert, select

from leadkeeper import clock
from leadkeeper.channels.whatsapp import PAIR
from leadkeeper.crm import accounts
from leadkeeper.crm.buckets import Ask, take
from leadkeeper.jobs.purge import purge
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.jobs import Job
from leadkeeper.simulator.behaviour import Behaviour, Step
from leadkeeper.store.database import Database
from leadkeeper.store.schema import buckets, jobs, messages
from tests.flows.test_late_failures import writes
from tests.flows.test_main_job import SARA
from tests.flows.test_nothing_stays_open import HOURS, OFFICE, settled
from tests.flows.test_waiting_sends import GONE, OMAR, awake, later
from tests.flows.town import Town, town


async def allow(place: Town, a_second: int) -> None:
    """The number's tier."""
    await place.db.write(accounts.save_credentials, place.box, place.account_id, {}, {"throughput": a_second})


async def test_answers_beyond_what_the_number_may_send_wait_for_their_turn_and_use_no_try(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        place.provider.behaviour = Behaviour(statuses=())
        await allow(place, 1)
        began = clock.now()

        for number in range(3):
            await place.says(f"97150000000{number}", HOURS)
        await settled(place)

        assert clock.now() - began >= timedelta(seconds=2)
        assert [row.state in GONE for row in await place.outbound()] == [True, True, True]
        assert [row.attempt for row in await place.outbound()] == [1, 1, 1]
        sends = await place.rows(select(jobs).where(jobs.c.type == "send").order_by(jobs.c.id))
        assert [row.attempts for row in sends] == [1, 1, 1]
        assert place.calls() == 3


async def test_what_waits_for_its_turn_keeps_its_place_in_the_conversation(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await awake(place)
        await place.db.write(_use_up_the_pair, await _conversation(place))
        for number in range(2):
            await writes(place, body=f"Part {number}.", author="person", purpose="person")
        await place.until(messages, messages.c.turn_at > clock.now() + timedelta(seconds=3))
        assert await place.count(messages, messages.c.turn_at.is_not(None)) == 1, "the second stands behind the first"

        with later(timedelta(seconds=30)):
            await settled(place)

        parts = [row for row in await place.outbound() if row.purpose == "person"]
        assert [row.state in GONE for row in parts] == [True, True]
        assert [row.body for row in sorted(parts, key=lambda row: row.state_at)] == ["Part 0.", "Part 1."]


async def test_a_proactive_message_that_waits_for_its_turn_holds_up_no_answer(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await awake(place)
        await allow(place, 1)
        full = {"name": f"account:{place.account_id}:proactive", "turns_until": clock.now()}
        await place.db.write(
            lambda conn: conn.execute(insert(buckets).values(full_at=clock.now() + timedelta(minutes=1), **full))
        )
        message_id = await writes(place, purpose="proactive")
        await place.idle()

        await place.says(SARA, OFFICE)
        await settled(place)

        _, proactive, answer = await place.outbound()
        assert (proactive.id, proactive.state) == (message_id, "ready") and proactive.turn_at is not None
        assert answer.state in GONE
        with later(timedelta(minutes=2)):
            await settled(place)
        assert await place.count(messages, messages.c.id == message_id, messages.c.state.in_(GONE)) == 1


async def test_where_the_provider_says_that_a_recipient_got_too_much_its_bucket_is_empty(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await awake(place)
        place.provider.script(SARA, [Step("error", status=400, code=131056)])
        await writes(place)
        await place.says(OMAR, HOURS)
        await settled(place)

        (row,) = await place.rows(select(buckets).where(buckets.c.name == f"pair:{await _conversation(place)}"))
        assert row.full_at > clock.now() + timedelta(seconds=6 * 44)
        assert [message.state in GONE for message in await place.outbound()] == [True, True, True]


async def test_a_bucket_that_is_full_again_is_swept_away(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        await awake(place)
        assert await place.count(buckets) == 2

        with later(timedelta(minutes=10)):
            await place.db.write(enqueue, Job(purge.__name__, {}))
            await place.idle()

        assert await place.count(buckets) == 0


async def _conversation(place: Town) -> int:
    (row,) = await place.rows(select(messages.c.conversation_id).order_by(messages.c.id).limit(1))
    return int(row.conversation_id)


def _use_up_the_pair(conn: Connection, conversation_id: int) -> None:
    take(conn, [Ask({f"pair:{conversation_id}": PAIR}) for _ in range(PAIR.burst)])
