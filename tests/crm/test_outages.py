"""Rests as rows: who may go when a rest is over, and who was put back while it ended."""

from pathlib import Path

from sqlalchemy import update

from leadkeeper import clock
from leadkeeper.crm import accounts, outages
from leadkeeper.crm.circuit import MOST, TRIAL
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.jobs import Job
from leadkeeper.store.database import Database
from leadkeeper.store.schema import channel_accounts, jobs
from tests.flows.test_circuit import REST, fail, kept_of
from tests.flows.test_waiting_sends import later
from tests.flows.town import town


async def test_of_those_that_come_when_the_rest_is_over_one_goes_and_a_lost_trial_is_replaced(
    db: Database, tmp_path: Path
) -> None:
    async with town(db, tmp_path, working=False) as place:
        assert await place.db.write(outages.let_one_go, place.account_id, [1, 2]) == {}, "nothing is wrong"
        await place.db.write(fail, place.account_id, MOST)

        with later(REST):
            waits = await place.db.write(outages.let_one_go, place.account_id, [1, 2, 3])
            assert list(waits) == [2, 3]
            assert await place.db.write(outages.let_one_go, place.account_id, [4]) == {4: waits[2]}
        with later(REST + TRIAL):
            assert (await place.db.write(outages.let_one_go, place.account_id, [2, 3])).keys() == {3}


async def test_what_is_put_back_for_a_rest_that_has_ended_meanwhile_goes_at_once(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, working=False) as place:
        await place.db.write(fail, place.account_id, MOST)
        until = (await kept_of(place)).until
        assert until is not None
        scope = accounts.scope(place.account_id)
        job_id = await place.db.write(enqueue, Job("send", {"messageId": 1}, scope=scope, run_at=until))

        await place.db.write(outages.put_back, place.account_id, until)
        assert await place.count(jobs, jobs.c.id == job_id, jobs.c.run_at == until) == 1, "it rests still"
        await place.db.write(
            lambda conn: conn.execute(
                update(channel_accounts).where(channel_accounts.c.id == place.account_id).values(circuit=None)
            )
        )
        await place.db.write(outages.put_back, place.account_id, until)

        assert await place.count(jobs, jobs.c.id == job_id, jobs.c.run_at <= clock.now()) == 1


async def test_who_began_before_the_rest_and_fails_in_it_changes_nothing(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, working=False) as place:
        await place.db.write(fail, place.account_id, MOST)
        rests = await kept_of(place)

        await place.db.write(outages.failed, place.account_id, 99, "late")

        assert await kept_of(place) == rests
