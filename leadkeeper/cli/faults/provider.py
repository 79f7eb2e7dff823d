"""provider: every fifth answer is a bad one, and every send ends all the same: accepted, failed, or in a person's hands.

Each customer asks a question, which is answered, and an agent writes to them several times more. The
ten minutes that a send may stay in doubt, and all waits that the provider asks for, pass by an injected clock.
"""

import asyncio
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random

from sqlalchemy import Connection, and_, func, or_, select

from leadkeeper import clock
from leadkeeper.cli.faults import judge
from leadkeeper.cli.faults.business import Business
from leadkeeper.cli.faults.journal import Journal
from leadkeeper.cli.faults.stories import STORIES
from leadkeeper.cli.faults.trial import Trial
from leadkeeper.cli.faults.warp import Warp, warped
from leadkeeper.cli.measure.ground import Ground
from leadkeeper.crm import composing, outbox
from leadkeeper.crm import messages as messages_of
from leadkeeper.jobs import person
from leadkeeper.queue.rows import processing, ready
from leadkeeper.simulator.behaviour import Step
from leadkeeper.simulator.state import EVERYBODY
from leadkeeper.store.prepared import Row
from leadkeeper.store.schema import conversations, jobs, messages

BAD = 0.2
Faults = Sequence[tuple[int, Step]]
QUICK: Faults = (
    (4, Step(mode="error", status=429, code=131056)),
    (1, Step(mode="error", status=429, code=130429)),
    (12, Step(mode="error", status=503, code=131016)),
    (4, Step(mode="error", status=500, code=131000)),
    (10, Step(mode="error", status=400, code=131026)),
    (8, Step(mode="close", accept=False)),
    (8, Step(mode="close", accept=True)),
    (4, Step(mode="reset", accept=True)),
    (4, Step(mode="truncate", accept=True)),
    (4, Step(mode="truncate", accept=False)),
    (4, Step(mode="html", status=200, accept=True)),
    (6, Step(mode="html", status=502)),
)
"""(weight, what a bad answer is), of those that come at once."""
FAULTS: Faults = (
    *QUICK,
    (6, Step(mode="hang", accept=False)),
    (6, Step(mode="hang", accept=True)),
    (6, Step(latency_ms=5_000)),
    (10, Step(latency_ms=800)),
)
"""A call may take 1.65 s here: 800 ms are slow, 5 s are a time-out before it was taken."""
LEASE_SECONDS = 3.0
SENDS = 10
"""Messages to each customer: one answer, the others by a person."""
WAVE = 10_000
"""Sends at a time; each wave is settled before the next begins."""
POSTS = 64
TALKS = 20
"""Conversations an agent writes to in one transaction."""
STRIDE = timedelta(seconds=2)
"""What is due within this of the next job is let be due with it."""
LOOK_SECONDS = 0.02
REPORTED = 50
"""Percent of the messages taken without a clear answer whose delivery the provider reports later."""
WAITING = ("draft", "ready", "sending", "unknown")
PATIENCE_SECONDS = 300.0


def run(trial: Trial, ground: Ground, seed: int, bad: float = BAD, faults: Faults = FAULTS) -> None:
    """Send `trial.wanted` messages through a provider of which the share `bad` of the answers is one of `faults`."""
    with ground.scratch() as (folder, url), warped() as warp:
        asyncio.run(_run(trial, folder, url, _answers(Random(seed), bad, faults), warp))


def _answers(random: Random, bad: float, faults: Faults) -> Iterator[Step]:
    """What one call after the other is met with."""
    steps, weights = [step for _, step in faults], [weight for weight, _ in faults]
    while True:
        yield random.choices(steps, weights)[0] if random.random() < bad else Step()


async def _run(trial: Trial, folder: Path, url: str, answers: Iterator[Step], warp: Warp) -> None:
    journal = Journal(folder / "journal")
    business = Business(folder, url, journal, lease_seconds=LEASE_SECONDS)
    business.db.write_now(business.found)
    business.begin()
    try:
        while trial.done < trial.wanted:
            await _wave(trial, business, answers, warp)
        for finding in business.db.read_now(_wrong, journal):
            trial.find(finding)
        trial.counts |= business.db.read_now(lambda conn: _figures(trial, conn, journal))
    finally:
        await business.end()


async def _wave(trial: Trial, business: Business, answers: Iterator[Step], warp: Warp) -> None:
    """So many customers ask, are answered and written to; then time passes until nothing of it waits."""
    customers = -(-min(WAVE, trial.wanted - trial.done) // SENDS)
    business.provider.script(EVERYBODY, list(islice(answers, customers * SENDS * 2)))
    senders: list[str] = []
    while len(senders) < customers:
        together = min(POSTS, customers - len(senders))
        senders += await asyncio.gather(*(business.tell(STORIES["question"]) for _ in range(together)))
    await business.until_none(_busy, PATIENCE_SECONDS, LOOK_SECONDS)
    talks = await business.db.read(_conversations_of, senders)
    for start in range(0, len(talks), TALKS):
        await business.db.write(_say, business, talks[start : start + TALKS])
    await business.until_none(_busy, PATIENCE_SECONDS, LOOK_SECONDS)
    await business.report(lambda token: _doubtful(business.journal, token) and zlib.crc32(token.encode()) % 100 < REPORTED)
    await _let_time_pass(business, warp)
    trial.step(customers * SENDS)


async def _let_time_pass(business: Business, warp: Warp) -> None:
    """Set the clock to whatever is due next, again and again, until no message waits."""
    while True:
        await business.until_none(_busy, PATIENCE_SECONDS, LOOK_SECONDS)
        waits, next_at = await business.db.read(_waiting)
        if not waits or next_at is None:
            return
        warp.reach(next_at + STRIDE)
        business.db.announce(frozenset({"jobs", "settings"}))


def _conversations_of(conn: Connection, senders: list[str]) -> list[int]:
    wanted = set(senders)
    rows = conn.execute(select(conversations.c.id, conversations.c.address).order_by(conversations.c.id))
    return [row.id for row in rows if row.address in wanted]


def _say(conn: Connection, business: Business, talks: list[int]) -> None:
    """An agent takes these over, and goes on writing."""
    for talk in talks:
        person.say(conn, business.settings, talk, 1, person.Said(text="Note 1"))
        for number in range(2, SENDS):
            outbox.write(conn, composing.Draft(talk, "person", "person", f"Note {number}", f"note:{talk}:{number}", user_id=1))


def _waiting(conn: Connection) -> tuple[int, datetime | None]:
    """(messages whose end is still to come, when the next job of a send is due)."""
    waits = select(func.count()).where(messages.c.direction == "out", messages.c.state.in_(WAITING))
    due = select(func.min(jobs.c.run_at)).where(ready(), jobs.c.type == "send")
    return conn.execute(waits).scalar_one(), conn.execute(due).scalar_one()


def _busy(conn: Connection) -> Sequence[int]:
    """Jobs that are due or in hand. What waits behind another one of its conversation is not due."""
    due = and_(ready(), jobs.c.run_at <= clock.now())
    return conn.execute(select(jobs.c.id).where(or_(due, processing())).limit(5)).scalars().all()


def _doubtful(journal: Journal, token: str) -> bool:
    """True when what came of this call cannot be known from its answer."""
    return journal.calls[token] > 0 and journal.sends.get(token, {}).get("outcome") not in ("answer", "error")


def _wrong(conn: Connection, journal: Journal) -> list[str]:
    rows = conn.execute(select(messages).where(messages.c.direction == "out").order_by(messages.c.id)).fetchall()
    return [
        *judge.unsound(conn),
        *(f"attempt {token} was called {calls} times" for token, calls in journal.calls.items() if calls > 1),
        *(finding for row in rows for finding in _of_message(row, journal)),
        *_out_of_order(journal),
    ]


def _of_message(row: Row, journal: Journal) -> Iterator[str]:
    """Every attempt but the last was refused in clear words, and the state tells what is known of the last."""
    if row.attempt == 0:
        yield from () if row.state == "cancelled" else (f"message {row.id} was never tried and is {row.state}",)
        return
    tokens = [f"{row.id}.{attempt}" for attempt in range(1, row.attempt + 1)]
    taken = sum(journal.taken[token] for token in tokens)
    if taken > 1:
        yield f"message {row.id} was taken {taken} times"
    for token in tokens[:-1]:
        if journal.calls[token] and journal.sends.get(token, {}).get("outcome") != "error":
            yield f"message {row.id} was sent again after attempt {token}: {journal.sends.get(token, 'no answer')}"
    expected = _expected(tokens[-1], journal)
    if row.state not in expected:
        yield f"message {row.id} is {row.state} ({row.reason}), not {' or '.join(expected)}"


def _expected(token: str, journal: Journal) -> Collection[str]:
    if token in journal.reported:
        return ("delivered",)
    if _doubtful(journal, token):
        return ("needs_human",)
    return tuple(messages_of.RANK) if journal.taken[token] else ("failed", "cancelled")


def _out_of_order(journal: Journal) -> Iterator[str]:
    """To each customer, messages leave in the order they were written."""
    latest: dict[str, int] = {}
    for token in journal.calls:
        to, number = journal.sends.get(token, {}).get("to"), int(token.partition(".")[0])
        if to is None:
            continue  # timed out before the provider had read whom it was for
        if number < latest.get(to, 0):
            yield f"message {number} left after message {latest[to]}"
        latest[to] = number


def _figures(trial: Trial, conn: Connection, journal: Journal) -> dict[str, object]:
    """What came of the sends."""
    counted = select(messages.c.state, func.count()).where(messages.c.direction == "out").group_by(messages.c.state)
    states = {row[0]: row[1] for row in conn.execute(counted)}
    outcomes = Counter(send["outcome"] for send in journal.sends.values())
    return {
        "sendsPerSecond": round(trial.done / trial.seconds),
        "calls": journal.calls.total(),
        **states,
        "answers": dict(outcomes),
    }
