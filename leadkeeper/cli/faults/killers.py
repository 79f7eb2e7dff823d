"""killers: jobs that end their whole process, web server included. It is back at once, and only they are failed for it."""

from collections.abc import Iterator
from statistics import median

import httpx2
from sqlalchemy import Connection, select

from leadkeeper import clock
from leadkeeper.cli.faults import judge
from leadkeeper.cli.faults.poisoned import EXITS, IS_KILLED, NEIGHBOUR
from leadkeeper.cli.faults.trial import Trial
from leadkeeper.cli.measure.ground import Ground
from leadkeeper.cli.proof.stage import Stage
from leadkeeper.errors import Unavailable
from leadkeeper.queue.enqueue import enqueue, enqueue_all
from leadkeeper.queue.jobs import Job
from leadkeeper.store.schema import jobs

NEIGHBOURS = 20
BACK_WITHIN = 1.0
"""Seconds the web server and the embedded worker may be away."""
LOOK_SECONDS = 0.02
SETTLE_SECONDS = 180.0
ENDED = ("completed", "failed", "cancelled")


class PoisonedStage(Stage):
    """The real programs, with the jobs that kill."""

    program = ("leadkeeper.cli.faults.poisoned",)


def run(trial: Trial, ground: Ground, within: float = BACK_WITHIN) -> None:
    """Let `trial.wanted` killers run, one after the other, each among neighbours."""
    with ground.scratch() as (folder, url):
        stage = PoisonedStage(folder, url)
        away: list[float] = []
        try:
            stage.start()
            for number in range(trial.wanted):
                away += _among_neighbours(trial, stage, (EXITS, IS_KILLED)[number % 2])
                trial.step()
            for finding in stage.rows(judge.unsound):
                trial.find(finding)
        finally:
            stage.close()
    slow = [seconds for seconds in away if seconds > within]
    if slow:
        trial.find(
            f"{len(slow)} of {len(away)} times the web server was away for more than {within:g} s: up to {max(slow):.1f} s"
        )
    trial.counts |= {"deaths": len(away), "secondsAway": round(median(away), 2), "slowestAway": round(max(away), 2)}


def _among_neighbours(trial: Trial, stage: Stage, kind: str) -> list[float]:
    """One killer until it is failed; the seconds each of its processes was away."""
    ids = stage.write(lambda conn: enqueue_all(conn, [Job(NEIGHBOUR, {}) for _ in range(NEIGHBOURS)]))
    killer = stage.write(lambda conn: enqueue(conn, Job(kind, {})))
    since, away = clock.monotonic(), []
    while not stage.rows(lambda conn: _ended(conn, [killer, *ids])):
        asked = clock.monotonic()
        if asked - since > SETTLE_SECONDS:
            raise Unavailable(f"{kind} and its neighbours have not ended in {SETTLE_SECONDS:g} s")
        if not _alive(stage):
            while not _alive(stage):
                clock.sleep_until_tick(LOOK_SECONDS)
            stage.wait(stage.ready, SETTLE_SECONDS, "the server to be ready again")
            away.append(clock.monotonic() - asked)
        clock.sleep_until_tick(LOOK_SECONDS)
    for finding in stage.rows(lambda conn: list(_wrong(conn, killer, ids))):
        trial.find(finding)
    return away


def _alive(stage: Stage) -> bool:
    try:
        return stage.http.get("/healthz", timeout=0.2).status_code == 200
    except httpx2.HTTPError:
        return False


def _ended(conn: Connection, ids: list[int]) -> bool:
    return set(conn.execute(select(jobs.c.status).where(jobs.c.id.in_(ids))).scalars()) <= set(ENDED)


def _wrong(conn: Connection, killer: int, ids: list[int]) -> Iterator[str]:
    rows = {row.id: row for row in conn.execute(select(jobs).where(jobs.c.id.in_([killer, *ids])))}
    if rows[killer].status != "failed":
        yield f"the job that kills is {rows[killer].status}"
    for row in (rows[each] for each in ids):
        if row.status != "completed":
            yield f"its neighbour {row.id} is {row.status}: {row.error}"
