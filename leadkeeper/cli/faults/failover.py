"""failover: the primary is killed, its synchronous standby is promoted, and nothing that was acknowledged is missing.

The watchdog here is our own: a server that has not answered three times in a row is taken for dead.
Afterwards the old primary is made anew, as the standby of the new one, for the next round.
"""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from statistics import median

import psycopg

from leadkeeper import clock
from leadkeeper.cli.faults import verdict
from leadkeeper.cli.faults.business import Business
from leadkeeper.cli.faults.crowd import Crowd
from leadkeeper.cli.faults.journal import Journal
from leadkeeper.cli.faults.trial import Trial
from leadkeeper.cli.measure.cluster import Cluster, binaries
from leadkeeper.cli.measure.ground import Ground
from leadkeeper.cli.proof.stage import process_tree
from leadkeeper.errors import Unavailable
from leadkeeper.store.address import parse_url

A_SECOND = 20.0
ROUND_SECONDS = 6.0
"""How long customers write; the kill comes half-way."""
LOOK_SECONDS, MISSES = 0.2, 3
BACK_WITHIN = 2.0
"""Seconds from the kill to the first message that is taken again: the trial's bound."""
SETTLE_SECONDS = 120.0


class Pair:
    """A primary and its synchronous standby. Raises Misconfigured or Unavailable when they cannot be made."""

    def __init__(self) -> None:
        programs = binaries()
        self.primary = Cluster(programs, fsync=True)
        try:
            self.standby = Cluster(programs, fsync=True, made_from=self.primary)
        except BaseException:
            self.primary.stop()
            raise

    @property
    def url(self) -> str:
        """Both servers, whichever takes writes."""
        return f"postgresql://leadkeeper@127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}/postgres"

    def bind(self) -> None:
        """From here on a commit is acknowledged once the standby has it. Raises Unavailable when it never follows."""
        self._tell("alter system set synchronous_standby_names = 'standby'")
        self._tell("select pg_reload_conf()")
        until = clock.monotonic() + 60
        while self._tell("select sync_state from pg_stat_replication") != "sync":
            if clock.monotonic() > until:
                raise Unavailable("the standby does not follow")
            clock.sleep_until_tick(0.1)

    def kill(self) -> None:
        """kill -9 of every process of the primary."""
        for pid in process_tree(self.primary.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.primary.is_dead()

    def watch(self) -> None:
        """Return once the primary is taken for dead."""
        misses = 0
        while misses < MISSES:
            clock.sleep_until_tick(LOOK_SECONDS)
            try:
                self._tell("select 1")
                misses = 0
            except psycopg.Error:
                misses += 1

    def promote(self) -> None:
        """The standby is the primary from here on, and waits for nobody."""
        self.standby.promote()
        self.primary, self.standby = self.standby, self.primary
        self._tell("alter system reset synchronous_standby_names")
        self._tell("select pg_reload_conf()")

    def rebuild(self) -> None:
        """The dead one becomes the standby."""
        self.standby.follow(self.primary)
        self.standby.start()
        self.bind()

    def stop(self) -> None:
        """End both."""
        try:
            self.standby.stop()
        finally:
            self.primary.stop()

    def _tell(self, statement: str) -> object:
        with psycopg.connect(self.primary.url(), autocommit=True, connect_timeout=2) as conn:
            found = conn.execute(statement)
            row = found.fetchone() if found.description else None
            return row[0] if row else None


def run(trial: Trial, within: float = BACK_WITHIN, round_seconds: float = ROUND_SECONDS) -> None:
    """Kill the primary `trial.wanted` times; each time writes must be back within so many seconds."""
    pair = Pair()
    try:
        pair.bind()
        with Ground(parse_url(pair.url)).scratch() as (folder, url):
            asyncio.run(_run(trial, pair, folder, url, within, round_seconds))
    finally:
        pair.stop()


async def _run(trial: Trial, pair: Pair, folder: Path, url: str, within: float, round_seconds: float) -> None:
    business = Business(folder, url, Journal(folder / "journal"))
    business.db.write_now(business.found)
    business.begin()
    await business.idle()
    crowd = Crowd(business)
    gaps: list[float] = []
    try:
        for number in range(trial.wanted):
            if number:
                await asyncio.to_thread(pair.rebuild)
            gaps.append(await _round(pair, crowd, round_seconds))
            if gaps[-1] > within:
                trial.find(f"no message was taken for {gaps[-1]:.1f} s after the kill")
            await business.idle(SETTLE_SECONDS)
            trial.step()
        for finding in [*business.db.read_now(verdict.wrong, business.journal), *crowd.odd_answers]:
            trial.find(finding)
        trial.counts |= {
            "acknowledged": len(crowd.taken_at),
            "secondsToWrite": round(median(gaps), 2),
            "slowestToWrite": round(max(gaps), 2),
            "refused": crowd.answers[503],
            "inDoubt": business.db.read_now(verdict.in_doubt),
        }
    finally:
        await business.end()


async def _round(pair: Pair, crowd: Crowd, seconds: float) -> float:
    """One kill under load; seconds until a message was taken again."""
    asking = asyncio.create_task(crowd.ask(int(A_SECOND * seconds), A_SECOND))
    await asyncio.sleep(seconds / 2)
    killed = clock.monotonic()
    await asyncio.to_thread(pair.kill)
    await asyncio.to_thread(pair.watch)
    await asyncio.to_thread(pair.promote)
    await asking
    return crowd.silence_after(killed)
