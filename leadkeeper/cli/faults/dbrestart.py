"""dbrestart: PostgreSQL is stopped and started again and again while customers write. Nothing is lost, doubled or stuck.

Half of the restarts are orderly, half are crashes the server recovers from.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from random import Random
from statistics import median

from sqlalchemy import Connection, func, select

from leadkeeper import clock
from leadkeeper.cli.faults import verdict
from leadkeeper.cli.faults.business import Business
from leadkeeper.cli.faults.crowd import Crowd
from leadkeeper.cli.faults.journal import Journal
from leadkeeper.cli.faults.trial import Trial
from leadkeeper.cli.measure.cluster import Cluster, binaries
from leadkeeper.cli.measure.ground import Ground
from leadkeeper.store.address import parse_url
from leadkeeper.store.schema import jobs

PAUSES = (5.0, 40.0)
"""Seconds between two restarts."""
DOWN = (0.0, 2.0)
"""Seconds the server stays away."""
JOBS_EACH = 4
"""Jobs one question takes: received, decided, answered, sent."""
A_SECOND = 25.0
"""Customers who write in a second."""
SETTLE_SECONDS = 120.0
"""A commit in doubt is left to the lease, which may run for 15 s; a restart may hit the work that follows."""


def run(trial: Trial, seed: int, a_second: float = A_SECOND, pauses: Sequence[float] = PAUSES) -> None:
    """As many customers write as make `trial.wanted` jobs. Raises Misconfigured without PostgreSQL's programs."""
    cluster = Cluster(binaries(), fsync=True)
    try:
        with Ground(parse_url(cluster.url())).scratch() as (folder, url):
            asyncio.run(_run(trial, cluster, folder, url, Random(seed), a_second, pauses))
    finally:
        cluster.stop()


async def _run(
    trial: Trial, cluster: Cluster, folder: Path, url: str, random: Random, a_second: float, pauses: Sequence[float]
) -> None:
    business = Business(folder, url, Journal(folder / "journal"))
    business.db.write_now(business.found)
    business.begin()
    await business.idle()
    crowd = Crowd(business)
    asking = asyncio.create_task(crowd.ask(-(-trial.wanted // JOBS_EACH), a_second))
    away: list[float] = []
    back: list[float] = []
    try:
        while not asking.done():
            await asyncio.wait([asking], timeout=random.uniform(*pauses))
            if not asking.done():
                gone, here = await _restart(cluster, random)
                away.append(here - gone)
                back.append(here)
                trial.step(max(0, int(len(crowd.taken_at) * JOBS_EACH * 0.9) - trial.done))
        await asking
        await business.idle(SETTLE_SECONDS)
        for finding in [*business.db.read_now(verdict.wrong, business.journal), *crowd.odd_answers]:
            trial.find(finding)
        trial.step(business.db.read_now(_completed) - trial.done)
        recovered = [crowd.silence_after(moment) for moment in back if moment < crowd.taken_at[-1]]
        trial.counts |= {
            "restarts": len(back),
            "secondsAway": round(median(away), 2) if away else 0,
            "secondsToRecover": round(median(recovered), 2) if recovered else 0,
            "slowestToRecover": round(max(recovered, default=0), 2),
            "refused": crowd.answers[503],
            "inDoubt": business.db.read_now(verdict.in_doubt),
        }
    finally:
        asking.cancel()
        await business.end()


async def _restart(cluster: Cluster, random: Random) -> tuple[float, float]:
    """Stop and start the server; when it was gone, and when it took connections again."""
    gone = clock.monotonic()
    await asyncio.to_thread(cluster.halt, random.choice(("fast", "immediate")))
    await asyncio.sleep(random.uniform(*DOWN))
    await asyncio.to_thread(cluster.start)
    return gone, clock.monotonic()


def _completed(conn: Connection) -> int:
    return int(conn.execute(select(func.count()).where(jobs.c.status == "completed")).scalar_one())
