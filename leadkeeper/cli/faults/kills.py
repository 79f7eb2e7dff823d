"""kills: the whole server, web and three workers, is killed under load at moments drawn by lot, and started again.

Real programs, real sockets: what the labels of `crashpoints` do not name is hit here, too. The provider
and its customers live on, and repeat whatever was not answered 200.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from random import Random

from sqlalchemy import Connection, func, select

from leadkeeper import clock
from leadkeeper.cli.faults.judge import unsound
from leadkeeper.cli.faults.trial import Trial
from leadkeeper.cli.measure.ground import Ground
from leadkeeper.cli.measure.staged import staged
from leadkeeper.cli.proof import rows
from leadkeeper.cli.proof.stage import READY_SECONDS, Stage
from leadkeeper.errors import Unavailable
from leadkeeper.store.schema import decisions, inbound_events, messages

MORE_WORKERS = 2
"""Beside the one inside the server."""
CROWD = 8
EARLY = 0.25
"""Share of the lives that end while they are still starting, within STARTING_SECONDS of their launch."""
STARTING_SECONDS = 2.0
WORKING_SECONDS = 0.8
"""The others end at any moment within this after they have become ready."""
LOOKED_AT_EVERY = 25
"""After so many kills everything is let come to its end and judged as a whole."""
SETTLED_SECONDS = 90.0
QUESTIONS = ("What are your opening hours?", "Where is your office?", "Do you repair steam locomotives in Patagonia?")


def run(trial: Trial, ground: Ground, seed: int) -> None:
    """Kill `trial.wanted` times. Raises Unavailable when the server cannot even be started."""
    random = Random(seed)
    with staged(ground) as stage:
        stage.behave(statuses=["sent", "delivered"], statusDelayMs=50, latencyMs=20)
        customers = _Customers(stage)
        stage.kill()
        while trial.done < trial.wanted:
            _one(stage, customers, random)
            for finding in stage.rows(unsound):
                trial.find(f"after {trial.done + 1} kills: {finding}")
            trial.step()
            if trial.done % LOOKED_AT_EVERY == 0 or trial.done >= trial.wanted:
                for finding in _as_a_whole(stage, customers):
                    trial.find(f"after {trial.done} kills: {finding}")
        trial.counts |= {"customers": customers.count, "inDoubt": stage.rows(_in_doubt)}


class _Customers:
    """People who write for the first time, once each."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.count = 0

    def write(self, random: Random) -> None:
        """A crowd writes; their provider delivers it sooner or later."""
        numbers = range(self.count, self.count + CROWD)
        self.count += CROWD
        crowd = [{"from": f"97157{number:07}", "text": random.choice(QUESTIONS)} for number in numbers]
        self._stage.crowd_says(crowd, together=random.choice((1, 3, CROWD)))


def _one(stage: Stage, customers: _Customers, random: Random) -> None:
    """One life under load, from its launch to its death."""
    stage.launch()
    workers = [_worker(stage) for _ in range(MORE_WORKERS)]
    try:
        customers.write(random)
        if random.random() < EARLY:
            clock.sleep_until_tick(random.uniform(0.2, STARTING_SECONDS))
        else:
            stage.wait(stage.ready, READY_SECONDS, "the server")
            customers.write(random)
            clock.sleep_until_tick(random.uniform(0.0, WORKING_SECONDS))
    finally:
        _kill(workers)
        stage.kill()


def _worker(stage: Stage) -> "subprocess.Popen[bytes]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LEADKEEPER_", "AUTOPILOT_"))}
    with stage.log.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "leadkeeper", "worker"],
            env={**kept, **stage.settings},
            cwd=stage.folder,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )


def _kill(processes: Sequence["subprocess.Popen[bytes]"]) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
    for process in processes:
        process.wait()


def _as_a_whole(stage: Stage, customers: _Customers) -> list[str]:
    """Let everything come to its end, then compare the rows with what the provider has seen."""
    stage.start()
    try:
        stage.wait(lambda: stage.undelivered() == 0, SETTLED_SECONDS, "the provider to get rid of its webhooks")
        stage.wait(lambda: stage.rows(rows.unfinished) == 0, SETTLED_SECONDS, "the last jobs")
        stage.wait(lambda: stage.undelivered() == 0, SETTLED_SECONDS, "the last statuses")
        stage.wait(lambda: stage.rows(rows.unfinished) == 0, SETTLED_SECONDS, "what they lead to")
        counts = stage.provider.get("/sim/counts").json()
        found = [*stage.rows(unsound), *stage.rows(partial(_unserved, customers=customers.count))]
        found += [f"called twice: {counts['calledTwice']}"] if counts["calledTwice"] else []
        found += [f"taken twice: {counts['takenTwice']}"] if counts["takenTwice"] else []
        return found
    except Unavailable as error:
        return [str(error)]
    finally:
        stage.kill()


def _unserved(conn: Connection, customers: int) -> list[str]:
    """Customers whose message is not stored, and messages nothing was decided about."""
    stored = conn.execute(select(func.count()).select_from(inbound_events).where(inbound_events.c.kind == "message")).scalar_one()
    still_open = conn.execute(select(func.count()).select_from(decisions).where(decisions.c.outcome.is_(None))).scalar_one()
    found = [f"{stored} messages stored of {customers} written"] if stored != customers else []
    return found + ([f"{still_open} messages undecided"] if still_open else [])


def _in_doubt(conn: Connection) -> int:
    doubts = select(func.count()).select_from(messages).where(messages.c.state.in_(("unknown", "needs_human")))
    return int(conn.execute(doubts).scalar_one())
