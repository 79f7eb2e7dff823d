"""Two things at once in one conversation, on two connections: neither is lost, whoever comes first."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from leadkeeper import clock
from leadkeeper.crm import conversations
from leadkeeper.jobs import send as sending
from leadkeeper.queue.claim import Wanted, claim
from leadkeeper.queue.jobs import Claimed
from leadkeeper.simulator.behaviour import Step
from leadkeeper.store.database import Database
from leadkeeper.store.schema import decisions, jobs
from tests.beside import Held, on_postgres
from tests.flows.test_main_job import SARA
from tests.flows.test_nothing_stays_open import HOURS, thread_of
from tests.flows.town import Town, town


async def stopped(place: Town) -> None:
    await asyncio.to_thread(place.worker.stop)


async def claimed(place: Town, kind: str) -> Claimed:
    """The waiting job of a type, in our hands."""
    await place.db.write(lambda conn: conn.execute(jobs.update().where(jobs.c.type == kind).values(run_at=clock.now())) and None)
    taken = await place.db.write(claim, Wanted("us", 10, None, timedelta(seconds=15)))
    (job,) = [job for job in taken.jobs if job.type == kind]
    return job


def beside(db: Database, first: Callable[[Connection], Any], second: Callable[[Connection], Any]) -> None:
    """`first` is open when `second` is begun, and commits once that waits for it."""
    Held(db, first).commit_once_waited_for(lambda: db.write_now(second))


@on_postgres
async def test_an_answer_taken_back_beside_a_hand_over_leaves_its_question_with_the_person(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, backoff_seconds=30) as place:
        place.provider.script(SARA, [Step("error", times=None, status=503, code=2)])
        await place.says(SARA, HOURS)
        await place.idle()
        await stopped(place)
        thread = await thread_of(place)
        await place.db.write(conversations.touched, thread.id)
        job = await claimed(place, "send")
        ctx = place.toolbox.context(job, lambda seconds: True)

        beside(
            db,
            lambda conn: sending.begin(conn, ctx, job.data["messageId"], False),
            lambda conn: conversations.needs_human(conn, thread.id, "human"),
        )

        assert await place.rows(select(decisions.c.outcome)) == [("handed_over",)]
