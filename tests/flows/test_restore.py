"""After a restore nothing is said twice: a town is copied, goes on, burns down, and is put back from the copy."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, select

from leadkeeper import clock
from leadkeeper.access import users
from leadkeeper.access.roles import Role
from leadkeeper.cli.archive.put_back import put_back
from leadkeeper.cli.archive.take import take
from leadkeeper.cli.archive.telling import Telling
from leadkeeper.crm import accounts, leads
from leadkeeper.crm.audit import audit
from leadkeeper.jobs import person
from leadkeeper.queue import control
from leadkeeper.rules import run_book
from leadkeeper.simulator import payloads
from leadkeeper.simulator.behaviour import Behaviour
from leadkeeper.store import settings_rows
from leadkeeper.store.database import Database
from leadkeeper.store.schema import contacts, jobs, messages, rule_runs, workers
from leadkeeper.store.schema import leads as lead_table
from tests.flows.town import Town, town

SARA, OMAR, LINA, IVAN = "971500000001", "971500000002", "971500000003", "971500000004"
HOURS, OFFICE = "What are your opening hours?", "Where is your office?"
QUIET = Telling(quiet=True)


@contextmanager
def opened(url: str) -> Iterator[Database]:
    db = Database(url)
    try:
        yield db
    finally:
        db.close()


class Past:
    """A town before its loss: lives in `life`, is copied by `copy`, and is put back by the test."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.file = folder

    async def copy(self, place: Town) -> None:
        taken = await asyncio.to_thread(
            take, place.db, place.settings, self.folder / "backups", check=True, keep=None, telling=QUIET
        )
        assert taken.verified is not None
        assert taken.verified.clean, taken.verified.audit
        self.file = taken.file

    @asynccontextmanager
    async def life(self, **settings: object) -> AsyncIterator[Town]:
        with opened(self.url) as db:
            async with town(db, self.folder, database_url=self.url, **settings) as place:
                yield place

    @asynccontextmanager
    async def put_back(self) -> AsyncIterator[Town]:
        """The same town from its copy, its worker started and standing still."""
        with opened(self.url) as db:
            settings = Town(db, self.folder, database_url=self.url).settings
        done = await asyncio.to_thread(put_back, settings, self.file, replace=True, telling=QUIET)
        assert done.clean, done.audit
        with opened(self.url) as db:
            async with town(db, self.folder, working=False, database_url=self.url) as place:
                place.worker.start()
                assert await asyncio.to_thread(place.worker.wait_until_arrived, 20)
                yield place


async def stands_still(place: Town) -> None:
    await place.db.write(control.choose, "stopped")
    await place.until(workers, workers.c.state == "stopped")


async def goes_on(place: Town) -> None:
    await place.db.write(control.choose, "running")
    await place.idle()


async def states(place: Town) -> list[tuple[str | None, str | None]]:
    return [(row.state, row.reason) for row in await place.outbound()]


async def test_what_was_on_its_way_is_in_doubt_or_a_persons_and_is_sent_by_nobody_again(
    database_url: str, tmp_path: Path
) -> None:
    past = Past(database_url, tmp_path)
    async with past.life() as place:
        await place.says(SARA, HOURS)
        await place.idle()
        await place.db.write(accounts.halt, place.account_id, "an invoice is unpaid")
        await place.says(OMAR, HOURS)
        await place.until(messages, messages.c.state == "ready")
        await stands_still(place)
        await place.says(LINA, HOURS)
        await past.copy(place)
        await place.db.write(accounts.resume, place.account_id)
        await goes_on(place)
        assert place.calls() == 3

    async with past.put_back() as place:
        assert await place.db.read(control.paused_because) == "restored"
        await place.db.write(accounts.resume, place.account_id)
        await asyncio.sleep(0.5)
        assert await place.count(jobs, jobs.c.status == "pending", jobs.c.type == "inbound_message") == 1
        await goes_on(place)
        found = await place.db.read(audit)

        assert place.calls() == 0
        assert [state for state, _ in await states(place)] == ["read", "unknown"]
        assert await place.decided() == [("answered", "documents"), ("answered", "documents"), ("handed_over", "restored")]
        assert found.clean, found.findings
        assert found.doubts.count == 1
        assert await place.db.read(control.paused_because) is None


async def test_a_question_whose_answer_was_being_made_is_handed_over_without_a_second_notice(
    database_url: str, tmp_path: Path
) -> None:
    past = Past(database_url, tmp_path)
    async with past.life(quiet_seconds=60, quiet_max_seconds=60) as place:
        await place.says(SARA, HOURS)
        await place.idle()
        await past.copy(place)

    async with past.put_back() as place:
        await goes_on(place)

        assert await place.decided() == [("handed_over", "restored")]
        assert await place.outbound() == []
        (reply,) = await place.rows(select(jobs).where(jobs.c.type == "reply"))
        assert (reply.status, reply.error) == ("cancelled", "restored")


async def test_a_new_message_is_answered_and_bears_a_token_no_lost_one_had(database_url: str, tmp_path: Path) -> None:
    past = Past(database_url, tmp_path)
    async with past.life() as place:
        await place.says(SARA, HOURS)
        await place.idle()
        await past.copy(place)
        await place.says(OMAR, OFFICE)
        await place.idle()
        (_, lost) = await place.outbound()

    async with past.put_back() as place:
        await goes_on(place)
        place.provider.behaviour = Behaviour(statuses=())
        await place.says(IVAN, HOURS)
        await place.idle()
        await place.take(told(place, "wamid.lost", OMAR, str(lost.token), "read"))
        await place.idle()

        (_, new) = await place.outbound()
        assert new.id == lost.id
        assert new.token != lost.token
        assert new.token.endswith(f"-{new.id}.1")
        assert new.state == "accepted"
        await place.take(told(place, str(new.external_id), IVAN, str(new.token), "read"))
        await place.idle()
        assert (await place.outbound())[1].state == "read"


async def test_a_status_that_comes_after_the_restore_settles_what_was_ready_before(database_url: str, tmp_path: Path) -> None:
    past = Past(database_url, tmp_path)
    async with past.life() as place:
        await place.db.write(accounts.halt, place.account_id, "an invoice is unpaid")
        await place.says(OMAR, HOURS)
        await place.until(messages, messages.c.state == "ready")
        await past.copy(place)
        await place.db.write(accounts.resume, place.account_id)
        await place.idle()
        (sent,) = await place.outbound()

    async with past.put_back() as place:
        await goes_on(place)
        await place.take(told(place, "wamid.of.before", OMAR, str(sent.token), "delivered"))
        await place.idle()

        assert [state for state, _ in await states(place)] == ["delivered"]
        assert place.calls() == 0


async def test_a_person_may_resend_what_is_in_doubt(database_url: str, tmp_path: Path) -> None:
    past = Past(database_url, tmp_path)
    async with past.life() as place:
        await place.db.write(accounts.halt, place.account_id, "an invoice is unpaid")
        await place.says(OMAR, HOURS)
        await place.until(messages, messages.c.state == "ready")
        await past.copy(place)

    async with past.put_back() as place:
        await place.db.write(accounts.resume, place.account_id)
        await goes_on(place)
        (doubtful,) = await place.outbound()
        user = await place.db.write(owner)
        await place.db.write(person.resend, doubtful.id, user)
        await place.idle()

        (sent,) = await place.outbound()
        assert sent.state in ("accepted", "sent", "delivered", "read")
        assert place.calls() == 1


async def test_an_opt_out_that_waited_in_the_backup_counts(database_url: str, tmp_path: Path) -> None:
    past = Past(database_url, tmp_path)
    async with past.life() as place:
        await place.says(SARA, HOURS)
        await place.idle()
        await stands_still(place)
        await place.says(SARA, "STOP")
        await past.copy(place)

    async with past.put_back() as place:
        await goes_on(place)

        assert await place.count(contacts, contacts.c.opted_out_at.is_not(None)) == 1
        assert (await place.decided())[1] == ("silent", "opted_out")
        assert place.calls() == 0


async def test_a_follow_up_that_was_due_is_a_persons_and_a_later_one_is_sent(database_url: str, tmp_path: Path) -> None:
    past = Past(database_url, tmp_path)
    async with past.life() as place:
        await place.db.write(settings_rows.save, "quiet_hours", None)
        await place.says(SARA, OFFICE)
        await place.idle()
        (lead,) = await place.rows(select(lead_table.c.id))
        await place.db.write(leads.set_follow_up, lead.id, clock.now() - timedelta(hours=1))
        await past.copy(place)

    async with past.put_back() as place:
        await goes_on(place)
        before = await run_of_rules(place)
        skipped = [row.reason for row in await place.rows(select(rule_runs.c.reason).order_by(rule_runs.c.id))]
        await place.db.write(leads.set_follow_up, lead.id, clock.now())
        after = await run_of_rules(place)

        assert (before, after) == (0, 1)
        assert any("restored" in reason for reason in skipped)
        assert place.calls() == 1


async def run_of_rules(place: Town) -> int:
    run_id = await place.db.write(lambda conn: run_book.start(conn, "manual", dry_run=False, lead_id=None))
    await place.idle()
    view = await place.db.read(run_book.view, run_id)
    return int(view.totals.sent)


def told(place: Town, wamid: str, to: str, token: str, word: str) -> dict[str, object]:
    """A delivery with one status."""
    status = payloads.status(wamid, word, to, token)
    return payloads.envelope(place.sim_account, payloads.statuses_value(place.sim_account, [status]))


def owner(conn: Connection) -> int:
    return users.add(conn, "sara@example.com", "Sara", Role.OWNER, "no password").id
