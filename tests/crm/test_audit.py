"""The audit is clean after any honest day, and names every way in which rows can disagree."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, delete, update

from leadkeeper import clock
from leadkeeper.crm.audit import Audit, audit
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.jobs import Job
from leadkeeper.simulator.behaviour import Step
from leadkeeper.store.database import Database
from leadkeeper.store.schema import decisions, jobs, messages
from tests.flows.town import Town, town

SARA, OMAR = "971500000001", "971500000002"
HOURS, NOTHING = "What are your opening hours?", "Do you repair bicycles?"


async def look(place: Town) -> Audit:
    return await place.db.read(audit)


def found(seen: Audit) -> dict[str, int]:
    return {finding.name: finding.count for finding in seen.findings if finding.count}


async def test_an_honest_day_is_clean_and_its_sums_agree(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path) as place:
        for sender, text in ((SARA, HOURS), (OMAR, NOTHING), (SARA, "STOP"), (OMAR, HOURS)):
            await place.says(sender, text)
            await place.idle()

        seen = await look(place)

    assert found(seen) == {}
    assert seen.clean
    sums = seen.balance
    assert sums.received == sums.stored == sums.decided == 4
    assert (sums.answered, sums.handed_over, sums.silent, sums.open) == (1, 2, 1, 0)


async def test_what_waits_its_turn_or_is_in_doubt_is_no_fault(db: Database, tmp_path: Path) -> None:
    async with town(db, tmp_path, quiet_seconds=60) as place:
        place.provider.script(OMAR, [Step("hang")])
        await place.says(SARA, HOURS)
        await place.idle()

        seen = await look(place)

    assert found(seen) == {}
    assert seen.balance.open == 1


Spoil = Callable[[Connection], Any]


def lose_the_decision(conn: Connection) -> None:
    conn.execute(delete(decisions))


def forget_the_outcome(conn: Connection) -> None:
    conn.execute(update(decisions).values(outcome=None, wants_answer=True))


def make_ready_again(conn: Connection) -> None:
    conn.execute(update(messages).where(messages.c.direction == "out").values(state="ready"))


def answer_again(conn: Connection) -> None:
    row = conn.execute(messages.select().where(messages.c.purpose == "reply")).mappings().one()
    again = {**row, "id": None, "external_id": None, "token": None, "cause": row["cause"] + "9", "state": "sent"}
    conn.execute(messages.insert().values(**{name: value for name, value in again.items() if name != "id"}))


def run_before_its_turn(conn: Connection) -> None:
    early = clock.now() - timedelta(days=1)
    last_of_key = jobs.select().where(jobs.c.type == "decide").order_by(jobs.c.id.desc()).limit(1)
    conn.execute(update(jobs).where(jobs.c.id == conn.execute(last_of_key).one().id).values(started_at=early))


def lose_the_head(conn: Connection) -> None:
    first = enqueue(conn, Job("purge", {}, key="k", run_at=clock.FAR))
    enqueue(conn, Job("purge", {}, key="k", run_at=clock.FAR))
    conn.execute(update(jobs).where(jobs.c.id == first).values(status="completed", completed_at=clock.now()))


def hold_for_ever(conn: Connection) -> None:
    job_id = enqueue(conn, Job("purge", {}, run_at=clock.FAR))
    silent = clock.now() - timedelta(hours=1)
    held = {"status": "processing", "worker": "somewhere else", "lease_until": silent, "started_at": silent}
    conn.execute(update(jobs).where(jobs.c.id == job_id).values(**held))


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (lose_the_decision, "lost"),
        (forget_the_outcome, "undecided"),
        (make_ready_again, "unsent"),
        (answer_again, "answered_twice"),
        (run_before_its_turn, "run_out_of_order"),
        (lose_the_head, "without_head"),
        (hold_for_ever, "stuck_jobs"),
    ],
)
async def test_rows_that_disagree_are_named(db: Database, tmp_path: Path, spoil: Spoil, name: str) -> None:
    async with town(db, tmp_path) as place:
        await place.says(SARA, HOURS)
        await place.idle()

        seen = await place.db.write(lambda conn: spoilt(conn, spoil))

    assert name in found(seen)
    assert not seen.clean
    assert next(finding.ids for finding in seen.findings if finding.name == name)


def spoilt(conn: Connection, spoil: Spoil) -> Audit:
    """The audit of spoilt rows, in one transaction: the worker beside it would mend some of them."""
    spoil(conn)
    return audit(conn)
