"""stalls: a worker is stopped (SIGSTOP) until its lease has run out and another one has taken over, then let go on.

What it then has to say comes too late: it is dropped and counted, and changes nothing. Every lane is a
director, two workers on the same rows, and the customers; all are forked before any of them has a thread.
"""

import asyncio
import ctypes
import json
import logging
import os
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, NoReturn

from sqlalchemy import Connection, func, select

from leadkeeper import clock
from leadkeeper.cli.faults import judge
from leadkeeper.cli.faults.business import Business, Rows, found
from leadkeeper.cli.faults.crashpoints import be_alone
from leadkeeper.cli.faults.journal import Journal
from leadkeeper.cli.faults.stories import STORIES
from leadkeeper.cli.faults.trial import Trial
from leadkeeper.cli.measure.ground import Ground
from leadkeeper.errors import Unavailable
from leadkeeper.simulator.behaviour import Behaviour
from leadkeeper.store import hints
from leadkeeper.store.address import parse_url
from leadkeeper.store.schema import job_errors, jobs, messages, workers

LANES = 4
"""A round is mostly waiting."""
LEASE_SECONDS = 1.5
CALL_MS = 250
"""The provider takes this long, so that a call can be met under way."""
PATIENCE_SECONDS = 30.0
TAKE_OVER_SECONDS = 20.0
"""At most so long after its lease ran out a job is in other hands, even when its worker was stopped inside a transaction."""
LOOK_SECONDS = 0.01
PR_SET_PDEATHSIG = 1


def run(trial: Trial, ground: Ground, seed: int) -> None:
    """Stop a worker `trial.wanted` times. Raises Unavailable when it cannot be set up."""
    with ground.scratch() as place, ExitStack() as stack:
        template, court = Rows(*place), judge.Court(place[1])
        asyncio.run(found(template))
        be_alone()
        lanes = min(LANES, trial.wanted)
        copies = [Rows(*stack.enter_context(ground.copied(template.folder, template.url))) for _ in range(lanes)]
        late = 0
        for told in _directed(copies, court, seed, trial.wanted):
            if "finding" in told:
                trial.find(told["finding"])
            late += told.get("late", 0)
            trial.step(told.get("rounds", 0))
        trial.counts["lateDropped"] = late
        if not late:
            trial.find("no late result was ever dropped: the stalls did not do what they should")


def _directed(copies: list[Rows], court: judge.Court, seed: int, rounds: int) -> Iterator[dict[str, Any]]:
    """What the directors tell, as they tell it."""
    reading, writing = os.pipe()
    directors = []
    for number, rows in enumerate(copies):
        share = rounds // len(copies) + (number < rounds % len(copies))
        directors.append(_forked(rows, partial(_direct, rows, court, Random(seed + number), share, writing)))
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
    for pid in directors:
        _, status = os.waitpid(pid, 0)
        if status:
            yield {"finding": f"a director ended with status {status}"}


def _forked(rows: Rows, work: Callable[[], None]) -> int:
    """A process that does `work`, and dies with its parent even while it is stopped."""
    pid = os.fork()
    if pid == 0:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        _do_and_leave(rows, work)
    return pid


def _do_and_leave(rows: Rows, work: Callable[[], None]) -> NoReturn:
    code = 1
    try:
        logging.basicConfig(filename=rows.folder / "log", level=logging.INFO, force=True)
        work()
        code = 0
    except BaseException as error:
        logging.critical("a process of the trial has failed", exc_info=error)
    finally:
        logging.shutdown()
        os._exit(code)


def _work(rows: Rows) -> None:
    """One worker process, until it is killed."""
    business = _business(rows)
    business.begin()
    signal.pause()


def _business(rows: Rows) -> Business:
    business = Business(rows.folder, rows.url, Journal(rows.journal), lease_seconds=LEASE_SECONDS)
    business.provider.behaviour = Behaviour(latency_ms=CALL_MS, statuses=())
    return business


def _direct(rows: Rows, court: judge.Court, random: Random, rounds: int, writing: int) -> None:
    """Play the customers, stop the workers, judge; tell by lines of JSON."""

    def tell(**told: Any) -> None:
        os.write(writing, json.dumps(told).encode() + b"\n")

    hands = [_forked(rows, lambda: _work(rows)) for _ in range(2)]
    try:
        business = _business(rows)
        deaf = hints.start(business.db)  # the workers are other processes: somebody has to tell them
        asyncio.run(_rounds(business, rows, court, hands, random, rounds, tell))
        deaf()
        business.db.close()
    except (Unavailable, TimeoutError) as error:
        tell(finding=f"{error} (log: {rows.folder / 'log'})")
    finally:
        for pid in hands:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


async def _rounds(
    business: Business, rows: Rows, court: judge.Court, hands: list[int], random: Random, rounds: int, tell: Callable[..., None]
) -> None:
    await _until(lambda: court.judge(rows.url, _alive) == len(hands), "both workers to be there")
    for number in range(rounds):
        await _one(business, rows, court, hands, random, aimed=number % 2 == 0)
        for finding in court.judge(rows.url, lambda conn: judge.wrong(conn, business.journal)):
            tell(finding=f"round {number}: {finding}")
        tell(rounds=1)
    tell(late=court.judge(rows.url, _late))


async def _one(business: Business, rows: Rows, court: judge.Court, hands: list[int], random: Random, *, aimed: bool) -> None:
    """A customer writes; a worker is stopped in the middle of the provider's call, or at any moment; the other takes over."""
    known = set(business.journal.callers)
    await business.tell(STORIES["question"])
    pid = random.choice(hands)
    if aimed:
        pid = await _caller(business.journal, known)
    else:
        await asyncio.sleep(random.uniform(0, 1.5 * CALL_MS / 1000))
    await _stop(pid, rows)
    try:
        await asyncio.sleep(LEASE_SECONDS)
        await _until(lambda: not court.judge(rows.url, _held_too_long), "the other worker to take over", TAKE_OVER_SECONDS)
        await _until(lambda: not court.judge(rows.url, _sending), "the sends to come to an end")
        for token in court.judge(rows.url, _in_doubt):
            if token not in business.journal.found:
                business.journal.find(token)
    finally:
        os.kill(pid, signal.SIGCONT)
    await business.idle()
    business.journal.refresh()
    await business.report()
    await business.idle()


async def _stop(pid: int, rows: Rows) -> None:
    """Stop a process. On SQLite not while it has the one write lock: nobody could take anything over then."""
    while True:
        os.kill(pid, signal.SIGSTOP)
        await _until(partial(_stands_still, pid), "a stopped process to stand still")
        if not _is_locked(rows):
            return
        os.kill(pid, signal.SIGCONT)
        await asyncio.sleep(LOOK_SECONDS)


def _stands_still(pid: int) -> bool:
    """True once each of its threads does: the signal reaches a thread that runs just now a moment later."""
    stats = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    return all(stat.rpartition(")")[2].split()[0] in "Tt" for stat in stats)


def _is_locked(rows: Rows) -> bool:
    url = parse_url(rows.url)
    if url.get_backend_name() != "sqlite":
        return False
    with closing(sqlite3.connect(str(url.database), timeout=0, isolation_level=None)) as conn:
        try:
            conn.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        conn.execute("ROLLBACK")
        return False


async def _caller(journal: Journal, known: set[str]) -> int:
    """The process that calls the provider just now."""

    def called() -> bool:
        journal.refresh()
        return set(journal.callers) > known

    await _until(called, "the provider to be called")
    return next(pid for token, pid in journal.callers.items() if token not in known)


async def _until(true: Callable[[], bool], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    until = clock.monotonic() + seconds
    while not true():
        if clock.monotonic() > until:
            raise Unavailable(f"waited in vain for {what}")
        await asyncio.sleep(LOOK_SECONDS)


def _alive(conn: Connection) -> int:
    return int(conn.execute(select(func.count()).select_from(workers).where(workers.c.state == "running")).scalar_one())


def _held_too_long(conn: Connection) -> int:
    """Jobs whose lease ran out."""
    late = (jobs.c.status == "processing") & (jobs.c.lease_until < clock.now() + timedelta(milliseconds=50))
    return int(conn.execute(select(func.count()).select_from(jobs).where(late)).scalar_one())


def _sending(conn: Connection) -> int:
    return int(conn.execute(select(func.count()).select_from(messages).where(messages.c.state == "sending")).scalar_one())


def _in_doubt(conn: Connection) -> list[str]:
    return [str(token) for token in conn.execute(select(messages.c.token).where(messages.c.state == "unknown")).scalars()]


def _late(conn: Connection) -> int:
    return int(conn.execute(select(func.count()).select_from(job_errors).where(job_errors.c.kind == "late")).scalar_one())
