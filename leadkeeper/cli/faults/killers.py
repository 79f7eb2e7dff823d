"""killers: jobs that end their whole process. It is back at once, and only they are failed for it.

First in `up`, where web server and worker die together; then with `web` and `worker` apart, where whoever
keeps the worker running starts it again, and customers who write meanwhile notice nothing.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise
from statistics import median

import httpx2
from sqlalchemy import Connection, func, select

from leadkeeper import clock
from leadkeeper.cli.faults import judge
from leadkeeper.cli.faults.poisoned import EXITS, IS_KILLED, NEIGHBOUR
from leadkeeper.cli.faults.trial import Trial
from leadkeeper.cli.measure.figure import percentile
from leadkeeper.cli.measure.ground import Ground
from leadkeeper.cli.measure.load import Posted, steady, webhooks
from leadkeeper.cli.measure.staged import account_of
from leadkeeper.cli.proof import rows
from leadkeeper.cli.proof.stage import READY_SECONDS, Stage
from leadkeeper.errors import Unavailable
from leadkeeper.queue.enqueue import enqueue, enqueue_all
from leadkeeper.queue.jobs import Job
from leadkeeper.simulator.posting import SocketPost
from leadkeeper.store.schema import inbound_events, job_errors, jobs

NEIGHBOURS = 6
BACK_WITHIN = 1.0
"""Seconds the web server and the embedded worker may be away."""
LOOK_SECONDS = 0.02
SETTLE_SECONDS = 180.0
ENDED = ("completed", "failed", "cancelled")
A_SECOND, A_SLICE = 20, 10
"""Webhooks while a worker apart dies: so many a second, and so many between two looks at it."""
SLOWEST_ACK_MS = 100.0
"""99 of 100 webhooks are answered within this, whatever becomes of the worker."""


class PoisonedStage(Stage):
    """The real programs, with the jobs that kill."""

    program = ("leadkeeper.cli.faults.poisoned",)


class WebStage(Stage):
    """The web server alone."""

    program = ("leadkeeper", "web")


def both(trial: Trial, ground: Ground, within: float) -> None:
    """`run`, then `apart`."""
    run(trial, ground, within)
    apart(trial, ground)


def run(trial: Trial, ground: Ground, within: float = BACK_WITHIN) -> None:
    """Let `trial.wanted` killers run in `up`, one after the other, each among neighbours."""
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
    if not away:
        raise Unavailable("the server was never seen away: nothing was measured")
    slow = [seconds for seconds in away if seconds > within]
    if slow:
        trial.find(
            f"{len(slow)} of {len(away)} times web and worker were away for more than {within:g} s: up to {max(slow):.1f} s"
        )
    trial.counts |= {"seen": len(away), "secondsAway": round(median(away), 2), "slowestAway": round(max(away), 2)}


def _among_neighbours(trial: Trial, stage: Stage, kind: str) -> list[float]:
    """One killer until it is failed; the seconds until web and worker were back, for each death that was seen."""
    killer, ids = _enqueued(stage, kind)
    until, seen = clock.monotonic() + SETTLE_SECONDS, []
    while not stage.rows(lambda conn: _ended(conn, [killer, *ids])):
        if clock.monotonic() > until:
            raise Unavailable(f"{kind} and its neighbours have not ended in {SETTLE_SECONDS:g} s")
        asked = clock.now()
        if not _answers(stage):
            stage.wait(stage.ready, SETTLE_SECONDS, "the server to be ready again")
            seen.append((asked, clock.now()))
        clock.sleep_until_tick(LOOK_SECONDS)
    for finding in stage.rows(lambda conn: list(_wrong(conn, killer, ids))):
        trial.find(finding)
    taken_over = stage.rows(lambda conn: _taken_over(conn, killer))
    trial.counts["deaths"] = trial.counts.get("deaths", 0) + len(taken_over)
    return list(_silences(taken_over, seen))


def _silences(taken_over: list[datetime], seen: list[tuple[datetime, datetime]]) -> Iterator[float]:
    """From the first request nobody answered until one was answered and the worker had the job again."""
    for before, back in pairwise([datetime.min.replace(tzinfo=UTC), *taken_over]):
        for asked, answered in [silence for silence in seen if before < silence[0] < back][-1:]:
            yield (max(answered, back) - asked).total_seconds()


def _answers(stage: Stage) -> bool:
    """False while it starts: the door holds whoever comes until there is somebody to answer."""
    try:
        return stage.http.get("/readyz", timeout=0.1).status_code == 200
    except httpx2.HTTPError:
        return False


def _taken_over(conn: Connection, job_id: int) -> list[datetime]:
    """When the next worker found each time that the one before had died with this job."""
    lost = select(job_errors.c.at).where(job_errors.c.job_id == job_id, job_errors.c.kind == "lost")
    return list(conn.execute(lost.order_by(job_errors.c.at)).scalars())


def apart(trial: Trial, ground: Ground, slowest_ms: float = SLOWEST_ACK_MS) -> None:
    """One killer in a worker apart from the web server, while customers write."""
    with ground.scratch() as (folder, url):
        stage = WebStage(folder, url)
        worker = KeptWorker(stage)
        try:
            stage.launch()
            worker.keep()
            stage.wait(stage.ready, READY_SECONDS, "the server to be ready, and its worker")
            early, posted = asyncio.run(_while_customers_write(trial, stage, worker))
            stage.wait(lambda: stage.rows(rows.unfinished) == 0, SETTLE_SECONDS, "the last jobs")
            for finding in [*stage.rows(judge.unsound), *stage.rows(partial(_not_stored, posted=len(early + posted)))]:
                trial.find(finding)
        finally:
            worker.close()
            stage.close()
    slowest = percentile([each.milliseconds for each in posted], 0.99)
    if slowest > slowest_ms:
        trial.find(f"one webhook in a hundred waited {slowest:.0f} ms while a worker apart died")
    trial.counts |= {"deathsApart": worker.deaths, "webhooksApart": len(posted), "ackP99ApartMs": round(slowest, 1)}


class KeptWorker:
    """A worker in a process of its own; `keep` starts it again, as a service manager would."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._process: subprocess.Popen[bytes] | None = None
        self.deaths = 0

    def keep(self) -> None:
        """See that it runs."""
        if self._process is None or self._process.poll() is not None:
            self.deaths += self._process is not None
            kept = {name: value for name, value in os.environ.items() if not name.startswith(("LEADKEEPER_", "AUTOPILOT_"))}
            with self._stage.log.open("ab") as log:
                self._process = subprocess.Popen(  # noqa: S603 - our own program
                    [sys.executable, "-m", *PoisonedStage.program, "worker"],
                    env={**kept, **self._stage.settings},
                    cwd=self._stage.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def close(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


async def _while_customers_write(trial: Trial, stage: Stage, worker: KeptWorker) -> tuple[list[Posted], list[Posted]]:
    """What was posted before, and until the killer is failed and its neighbours are done.

    Raises Unavailable for a webhook that is not answered 200.
    """
    post, posted, account = SocketPost(), list[Posted](), account_of(stage)
    early = await steady(post, stage.address, webhooks(account, A_SLICE), A_SECOND)  # what is loaded late is nobody's fault
    killer, ids = _enqueued(stage, EXITS)
    until = clock.monotonic() + SETTLE_SECONDS
    try:
        while not stage.rows(lambda conn: _ended(conn, [killer, *ids])):
            if clock.monotonic() > until:
                raise Unavailable(f"{EXITS} and its neighbours have not ended in {SETTLE_SECONDS:g} s")
            worker.keep()
            posted += await steady(post, stage.address, webhooks(account, A_SLICE), A_SECOND)
    finally:
        await post.close()
    for finding in stage.rows(lambda conn: list(_wrong(conn, killer, ids))):
        trial.find(finding)
    return early, posted


def _enqueued(stage: Stage, kind: str) -> tuple[int, list[int]]:
    """A job that kills, behind those that must not suffer for it."""
    ids = stage.write(lambda conn: enqueue_all(conn, [Job(NEIGHBOUR, {}) for _ in range(NEIGHBOURS)]))
    return stage.write(lambda conn: enqueue(conn, Job(kind, {}))), ids


def _not_stored(conn: Connection, posted: int) -> list[str]:
    stored = conn.execute(select(func.count()).select_from(inbound_events)).scalar_one()
    return [] if stored == posted else [f"{stored} events stored of {posted} that were acknowledged"]


def _ended(conn: Connection, ids: list[int]) -> bool:
    return set(conn.execute(select(jobs.c.status).where(jobs.c.id.in_(ids))).scalars()) <= set(ENDED)


def _wrong(conn: Connection, killer: int, ids: list[int]) -> Iterator[str]:
    rows = {row.id: row for row in conn.execute(select(jobs).where(jobs.c.id.in_([killer, *ids])))}
    if rows[killer].status != "failed":
        yield f"the job that kills is {rows[killer].status}"
    for row in (rows[each] for each in ids):
        if row.status != "completed":
            yield f"its neighbour {row.id} is {row.status}: {row.error}"
