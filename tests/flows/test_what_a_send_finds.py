"""What a send job finds when it comes to its message: things have happened since it was enqueued."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, update

from leadkeeper import clock
from leadkeeper.channels.base import Intent
from leadkeeper.crm import accounts, messages, receipts
from leadkeeper.crm.audit import audit
from leadkeeper.crm.receipts import Receipt
from leadkeeper.jobs import redrive
from leadkeeper.jobs.context import JobContext
from leadkeeper.jobs.intent import Begin, begin
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.finish import Result, finish
from leadkeeper.queue.jobs import Claimed, Job
from leadkeeper.queue.outcomes import Cancel, Outcome, Snooze
from leadkeeper.simulator.behaviour import Step
from leadkeeper.store import settings_rows
from leadkeeper.store.database import Database
from leadkeeper.store.schema import channel_accounts, jobs, tasks
from tests.flows.test_crossing import claimed, stopped
from tests.flows.test_late_failures import known, writes
from tests.flows.test_main_job import SARA
from tests.flows.test_nothing_stays_open import HOURS
from tests.flows.town import Town, town


class Scene:
    """An answer to Sara that is ready, its send job in our hands, and nobody else at work."""

    def __init__(self, place: Town, ctx: JobContext) -> None:
        self.place, self.ctx = place, ctx
        self.message_id = int(ctx.job.data["messageId"])

    async def begins(self, *, timer: bool = False) -> Intent | Outcome:
        return await self.place.db.write_batch(begin, Begin(self.ctx, self.message_id, timer))

    async def ends(self, outcome: Intent | Outcome) -> None:
        """The job comes to this."""
        assert not isinstance(outcome, Intent)
        await self.place.db.write(finish, [Result(self.ctx.job, outcome)], timedelta(seconds=30))

    async def state(self) -> str:
        return str((await self.place.db.read(messages.get, self.message_id)).state)


@asynccontextmanager
async def at_the_send(db: Database, folder: Path) -> AsyncIterator[Scene]:
    async with town(db, folder, backoff_seconds=30) as place:
        place.provider.script(SARA, [Step("error", times=None, status=503, code=2)])
        await place.says(SARA, HOURS)
        await place.idle()
        await stopped(place)
        job = await claimed(place, "send")
        yield Scene(place, place.toolbox.context(job, lambda seconds: True))


async def test_one_whose_worker_died_while_sending_is_in_doubt_and_not_called_again(db: Database, tmp_path: Path) -> None:
    async with at_the_send(db, tmp_path) as scene:
        calls = scene.place.calls()
        assert isinstance(await scene.begins(), Intent)  # and here the worker dies

        await scene.ends(await scene.begins())

        assert await scene.state() == "unknown"
        assert scene.place.calls() == calls
        (look,) = await scene.place.rows(select(jobs.c.run_at).where(jobs.c.type == "send", jobs.c.status == "pending"))
        assert timedelta(minutes=9) < look.run_at - clock.now() <= timedelta(minutes=10)


async def test_one_that_another_job_is_sending_is_left_to_it(db: Database, tmp_path: Path) -> None:
    async with at_the_send(db, tmp_path) as scene:
        await scene.begins()
        await scene.ends(Cancel("only its row is of interest"))
        scene.ctx = scene.place.toolbox.context(await another_send(scene), lambda seconds: True)

        assert await scene.begins() == Cancel("another job is sending it")


async def another_send(scene: Scene) -> Claimed:
    await scene.place.db.write(enqueue, Job("send", {"messageId": scene.message_id}))
    return await claimed(scene.place, "send")


async def test_one_that_was_cancelled_meanwhile_does_not_go(db: Database, tmp_path: Path) -> None:
    async with at_the_send(db, tmp_path) as scene:
        await scene.place.db.write(messages.cancel, scene.message_id, "a person wrote")

        assert await scene.begins() == Cancel("the message is cancelled")


async def test_one_in_doubt_is_looked_at_when_its_ten_minutes_are_over(db: Database, tmp_path: Path) -> None:
    async with at_the_send(db, tmp_path) as scene:
        await scene.begins()
        await scene.place.db.write(messages.in_doubt, scene.message_id, "reset")

        early = await scene.begins(timer=True)

        assert isinstance(early, Snooze)
        assert timedelta(minutes=9) < early.until - clock.now() <= timedelta(minutes=10)


async def test_one_in_doubt_of_which_the_provider_has_spoken_calls_nobody(db: Database, tmp_path: Path) -> None:
    async with at_the_send(db, tmp_path) as scene:
        intent = await scene.begins()
        assert isinstance(intent, Intent)
        await scene.place.db.write(messages.in_doubt, scene.message_id, "reset")
        told = Receipt(scene.place.account_id, "wamid.there", "delivered", intent.token)
        await scene.place.db.write(lambda conn: receipts.keep(conn, [told]))

        later = clock.now() + timedelta(minutes=11)
        with clock.use(lambda: later):
            outcome = await scene.begins(timer=True)
        await scene.ends(outcome)

        assert await scene.state() == "delivered"
        assert await scene.place.count(tasks) == 0


async def test_one_on_an_account_that_was_switched_off_is_handed_over(db: Database, tmp_path: Path) -> None:
    async with at_the_send(db, tmp_path) as scene:
        await scene.place.db.write(lambda conn: conn.execute(update(channel_accounts).values(state="off")) and None)

        assert await scene.begins() == Cancel("account_off")

        assert await scene.state() == "cancelled"
        assert await scene.place.decided() == [("handed_over", "account_off")]
        assert await scene.place.count(tasks, tasks.c.done_at.is_(None)) == 1


async def test_one_on_an_account_that_was_halted_waits_for_its_resume(db: Database, tmp_path: Path) -> None:
    async with at_the_send(db, tmp_path) as scene:
        await scene.place.db.write(accounts.halt, scene.place.account_id, "the token was refused")

        assert await scene.begins() == Snooze(clock.FAR, "the account Town is halted")
        assert await scene.state() == "ready"


async def test_a_rules_message_that_comes_to_the_quiet_hours_waits_for_their_end_and_holds_up_nobody(
    db: Database, tmp_path: Path
) -> None:
    async with town(db, tmp_path) as place:
        await known(place)
        calls = place.calls()
        hours = [(clock.now() + timedelta(hours=hour)).strftime("%H:%M") for hour in (-1, 2)]
        await place.db.write(settings_rows.save, "quiet_hours", hours)

        message_id = await writes(place, purpose="proactive")
        await place.idle()

        assert (await place.db.read(messages.get, message_id)).state == "ready"
        assert place.calls() == calls
        (look,) = await place.rows(select(jobs).where(jobs.c.type == "send", jobs.c.status == "pending"))
        assert (look.key, look.run_at > clock.now() + timedelta(minutes=90)) == (None, True)


async def test_a_person_is_asked_at_once_when_somebody_cancels_the_timer_of_one_in_doubt(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        place.provider.script(SARA, [Step("close", accept=False)])
        await place.says(SARA, HOURS)
        await place.idle()
        [in_doubt] = [row for row in await place.outbound() if row.state == "unknown"]
        [timer] = await place.rows(select(jobs.c.id).where(jobs.c.type == "send", jobs.c.status == "pending"))

        await db.write(redrive.cancel, timer.id, None)

        assert (await db.read(messages.get, in_doubt.id)).state == "needs_human"
        assert await place.count(tasks, tasks.c.kind == "send_in_doubt") == 1
        assert (await db.read(audit)).clean
