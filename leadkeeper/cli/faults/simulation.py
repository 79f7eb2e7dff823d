"""simulation: whole worlds in a blink, each the child of a number. What goes wrong in one goes wrong again in a replay.

The worker's shift, the queue, the jobs and the transactions are the real ones; clock, network, model,
threads and the fate of each transaction follow from the seed. PYTHONHASHSEED must be fixed.
"""

import asyncio
import gc
import json
import logging
import os
import random
import shutil
import tempfile
import traceback
import uuid
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from sqlalchemy import Connection, select

from leadkeeper import clock
from leadkeeper.ai.model import providers
from leadkeeper.ai.providers.openai_compatible import OpenAICompatible
from leadkeeper.cli.faults.business import PROVIDER, Rows, found
from leadkeeper.cli.faults.judge import unsound
from leadkeeper.cli.faults.outside import Call, attempts
from leadkeeper.cli.faults.trial import Trial
from leadkeeper.cli.faults.world import World
from leadkeeper.cli.measure.ground import Ground
from leadkeeper.config import Settings
from leadkeeper.jobs import send
from leadkeeper.queue import finish
from leadkeeper.queue.sweep import swept
from leadkeeper.store.schema import decisions, inbound_events, jobs, messages

UNSENT = ("refuses", "halts")
"""Moods in which the provider says clearly that it has not taken a message."""
PATIENCE_SECONDS = 660
"""After ten minutes a send in doubt is a person's business."""
LANES = 2
A_LANE = 100
"""Worlds one process lives through."""
LOTS = (finish._RANDOM, send.RANDOM)
"""What the product draws its jitter from."""


@dataclass(frozen=True, slots=True)
class Lived:
    """What one seed came to; `mark` is the same whenever the same world was lived."""

    seed: int
    findings: list[str]
    mark: int
    calls: int


def run(trial: Trial, ground: Ground, seed: int, steps: int, trace: Callable[[str], None] | None = None) -> None:
    """Live `trial.wanted` worlds from `seed` on, on two cores, or one after the other with a trace of what happened.

    `ground` must be SQLite's.
    """
    logging.disable()  # what is told of every fault would drown what was found
    with ground.scratch() as place:
        template = Rows(*place)
        asyncio.run(found(template))
        seeds = range(seed, seed + trial.wanted)
        marks = 0
        for lived in _in_lanes(template, seeds, steps) if trace is None else _one_by_one(template, seeds, steps, trace):
            marks ^= lived.mark
            trial.step()
            trial.counts["calls"] = trial.counts.get("calls", 0) + lived.calls
            for finding in lived.findings:
                trial.find(f"seed {lived.seed}: {finding}; again: leadkeeper faults simulation --seeds 1 --seed {lived.seed}")
        trial.counts["mark"] = marks


def live(template: Rows, seed: int, steps: int, trace: Callable[[str], None] | None = None) -> Lived:
    """One world from its beginning to its verdict."""
    with tempfile.TemporaryDirectory(prefix="leadkeeper-world-") as name, _drawn_from(seed):
        folder = Path(name) / "data"
        shutil.copytree(template.folder, folder)
        url = template.url.replace(str(template.folder), str(folder))
        world = World(folder, url, seed, steps, _settings(folder, seed))
        try:
            with clock.use(world.now), clock.use_monotonic(world.seconds):
                findings = world.run(verdict)
        except Exception as error:
            findings = [f"{type(error).__name__}: {error} {traceback.format_exc(limit=-3)}"]
        if trace is not None:
            for line in world.trace:
                trace(line)
        told = json.dumps([world.trace, [str(call) for call in world.outside.calls]]).encode()
        return Lived(seed, findings, zlib.crc32(told), len(world.outside.calls))


def verdict(conn: Connection, world: World) -> list[str]:
    """Everything that is not as it must be, once it has been calm for long enough."""
    return [*unsound(conn), *_swept(conn), *_undecided(conn, world), *_sent_again(world), *_out_of_order(world), *_left(conn)]


def _swept(conn: Connection) -> Iterator[str]:
    if swept(conn):
        yield f"{swept(conn)} keys had to be swept"


def _undecided(conn: Connection, world: World) -> Iterator[str]:
    stored = set(conn.execute(select(inbound_events.c.external_id)).scalars())
    yield from (f"lost: {wamid}" for wamid in sorted(world.acknowledged - stored))
    still_open = conn.execute(select(decisions.c.event_id).where(decisions.c.outcome.is_(None))).scalars()
    yield from (f"event {event_id} is still undecided" for event_id in still_open)


def _sent_again(world: World) -> Iterator[str]:
    by_token = attempts(world.outside.calls)
    yield from (f"attempt {token} was called {len(calls)} times" for token, calls in by_token.items() if len(calls) > 1)
    by_message: dict[int, list[Call]] = defaultdict(list)
    for call in world.outside.calls:
        by_message[call.message_id].append(call)
    for message_id, calls in by_message.items():
        for before in calls[:-1]:
            if before.mood not in UNSENT and message_id not in world.resent:
                yield f"message {message_id} was sent again after {before}"


def _out_of_order(world: World) -> Iterator[str]:
    """What we write to one customer leaves in the order it was written; what a person sends again comes later."""
    latest: dict[str, Call] = {}
    for call in world.outside.calls:
        if call.message_id in world.resent:
            continue
        before = latest.get(call.to)
        if before is not None and before.message_id > call.message_id:
            yield f"message {call.message_id} left after {before.message_id}"
        latest[call.to] = call


def _left(conn: Connection) -> Iterator[str]:
    now = clock.now()
    doubts = select(messages.c.id, messages.c.state, messages.c.state_at).where(
        messages.c.state.in_(("unknown", "sending", "ready"))
    )
    for row in conn.execute(doubts):
        age = (now - row.state_at).total_seconds()
        if age > PATIENCE_SECONDS:
            yield f"message {row.id} is {row.state} for {age:.0f} s"
    for row in conn.execute(select(jobs.c.id, jobs.c.type, jobs.c.started_at).where(jobs.c.status == "processing")):
        yield f"job {row.id} ({row.type}) still runs, since {(now - row.started_at).total_seconds():.0f} s"


def _settings(folder: Path, seed: int) -> Settings:
    model = {"ai_url": "http://model/v1", "ai_model": "m"} if seed % 2 else {}
    return Settings(data_dir=folder, graph_url=PROVIDER, poll_seconds=30, backoff_seconds=5, **model)  # type: ignore[arg-type]


@contextmanager
def _drawn_from(seed: int) -> Iterator[None]:
    """Inside, whatever is drawn by lot anywhere follows from a seed, and nothing is known of other worlds."""
    names, uuid4 = Random(seed), uuid.uuid4
    for lot in (random, *LOTS):
        lot.seed(seed)
    model = providers.get(OpenAICompatible.name)
    if isinstance(model, OpenAICompatible):
        model.forget()
    uuid.uuid4 = lambda: uuid.UUID(int=names.getrandbits(128), version=4)
    try:
        yield
    finally:
        uuid.uuid4 = uuid4


def _one_by_one(template: Rows, seeds: range, steps: int, trace: Callable[[str], None]) -> Iterator[Lived]:
    return (live(template, seed, steps, trace) for seed in seeds)


def _in_lanes(template: Rows, seeds: range, steps: int) -> Iterator[Lived]:
    """Worlds lived side by side in forked processes, each told as it ends.

    Who is killed in a world tidies nothing up, so its process keeps their connections: it lives through some worlds only.
    """
    gc.collect()
    gc.freeze()
    for start in range(0, len(seeds), LANES * A_LANE):
        yield from _side_by_side(template, seeds[start : start + LANES * A_LANE], steps)


def _side_by_side(template: Rows, seeds: range, steps: int) -> Iterator[Lived]:
    reading, writing = os.pipe()
    lanes = [_lane(template, seeds[number::LANES], steps, writing) for number in range(min(LANES, len(seeds)))]
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as lines:
        for line in lines:
            yield Lived(*json.loads(line))
    for pid in lanes:
        _, status = os.waitpid(pid, 0)
        if status:
            yield Lived(-1, [f"a lane ended with status {status}"], 0, 0)


def _lane(template: Rows, seeds: range, steps: int, writing: int) -> int:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            for seed in seeds:
                lived = live(template, seed, steps)
                line = json.dumps([lived.seed, lived.findings, lived.mark, lived.calls])
                os.write(writing, line.encode()[:60_000] + b"\n")
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return pid
