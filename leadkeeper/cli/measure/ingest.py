"""bench ingest: webhooks taken in a second, each durable before its 200, and how soon they are acknowledged.

The same app on a database that stores nothing shows what storing costs. Over real HTTP the worker
works on what arrives, on the same cores.
"""

import asyncio
import gc
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr
from sqlalchemy import Connection, func, select

from leadkeeper import clock
from leadkeeper.cli.measure.apart import apart
from leadkeeper.cli.measure.figure import Figure, percentile
from leadkeeper.cli.measure.ground import Ground
from leadkeeper.cli.measure.load import Webhook, crowd, into, steady, until_taken, webhooks
from leadkeeper.cli.measure.staged import account_of, staged
from leadkeeper.cli.proof import rows
from leadkeeper.cli.proof.stage import Stage
from leadkeeper.config import Settings
from leadkeeper.errors import Unavailable
from leadkeeper.jobs import first_start
from leadkeeper.secretbox import SecretBox
from leadkeeper.simulator.posting import SocketPost
from leadkeeper.simulator.state import SimAccount
from leadkeeper.store.calls import Turn
from leadkeeper.store.database import Database
from leadkeeper.store.schema import inbound_events
from leadkeeper.web.app import build

T = TypeVar("T")
R = TypeVar("R")

WEBHOOKS = 3_000
TOGETHER = 64
RATE = 100
RATE_SECONDS = 5
WARMING = 10
"""Messages before the measured ones: they pay for what is loaded late."""
ACCOUNT = SimAccount("100000000000002", "bench-token", "bench-app-secret")


class Unstored(Database):
    """A database that takes webhooks and keeps none: the measure of what storing costs."""

    async def write_batch(self, fn: Callable[[Connection, Sequence[T]], Sequence[R]], item: T, turn: Turn = Turn.INGEST) -> R:
        """Nothing happens; the webhook does not look at the result."""
        return None  # type: ignore[return-value]


def measure(ground: Ground, scale: float) -> Sequence[Figure]:
    """One round: in process with and without storing, then over HTTP at a steady rate."""
    count = max(TOGETHER, int(WEBHOOKS * scale))
    stored = _taken(ground, Database, count)
    unstored = _taken(ground, Unstored, count)
    with staged(ground) as stage:
        took = _acknowledged(stage, max(20, int(RATE * RATE_SECONDS * scale)))
        over_http, crowded = _over_http(stage, count)
    return [
        Figure("ingest", "webhooks", "webhooks/s", [stored]),
        Figure("ingest", "webhooks_unstored", "webhooks/s", [unstored]),
        Figure("ingest", "stored_share", "ratio", [stored / unstored]),
        Figure("ingest", "http_ack_p50", "ms", [percentile(took, 0.5)]),
        Figure("ingest", "http_ack_p99", "ms", [percentile(took, 0.99)]),
        Figure("ingest", "http_webhooks", "webhooks/s", [over_http]),
        Figure("ingest", "http_crowded_ack_p99", "ms", [percentile(crowded, 0.99)]),
    ]


def _taken(ground: Ground, kind: type[Database], count: int) -> float:
    """Webhooks a second of `TOGETHER` callers, in process. Raises Unavailable when one was not stored."""
    with ground.scratch() as (folder, url):
        db = kind(url)
        try:
            seconds = asyncio.run(_pour(db, folder, count))
            found = db.read_now(lambda conn: conn.execute(select(func.count()).select_from(inbound_events)).scalar_one())
        finally:
            db.close()
    if kind is Database and found != count + TOGETHER:
        raise Unavailable(f"{found} of {count + TOGETHER} acknowledged webhooks are stored")
    return count / seconds


async def _pour(db: Database, folder: Path, count: int) -> float:
    settings = Settings(
        data_dir=folder / "app",
        whatsapp_phone_number_id=ACCOUNT.phone_number_id,
        whatsapp_token=SecretStr(ACCOUNT.token),
        whatsapp_app_secret=SecretStr(ACCOUNT.app_secret),
    )
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    box = SecretBox.open(settings.data_dir)
    await db.write(first_start.prepare, settings, box)
    app = build(db, settings, box)
    try:
        await crowd(into(app), "", webhooks(ACCOUNT, TOGETHER), TOGETHER)  # the first ones pay for what is loaded late
        wanted = webhooks(ACCOUNT, count)
        began = clock.monotonic()
        await crowd(into(app), "", wanted, TOGETHER)
        return clock.monotonic() - began
    finally:
        app.state.site.close()


def _acknowledged(stage: Stage, count: int) -> list[float]:
    """Milliseconds to the 200 of each of `count` webhooks at `RATE` a second, the worker answering them meanwhile."""
    asyncio.run(_steadily(stage.address, webhooks(account_of(stage), WARMING)))
    stage.wait(lambda: stage.rows(rows.unfinished) == 0, 60, "the first messages to be answered")
    took = asyncio.run(_steadily(stage.address, webhooks(account_of(stage), count)))
    stage.wait(lambda: stage.rows(rows.unfinished) == 0, 60, "the messages to be answered")
    return took


def _over_http(stage: Stage, count: int) -> tuple[float, list[float]]:
    """(webhooks a second of `TOGETHER` callers over HTTP, the milliseconds each took), web and worker apart and at work.

    Raises Unavailable when one was not stored, or is not worked off.
    """
    with apart(stage) as addresses:
        wanted = webhooks(account_of(stage), count)
        seconds, took = asyncio.run(_crowded(addresses, webhooks(account_of(stage), TOGETHER), wanted))
        found = stage.rows(partial(_stored, prefix=wanted[0].sender[:-5]))
        if found != count:
            raise Unavailable(f"{found} of {count} acknowledged webhooks are stored")
        stage.wait(lambda: stage.rows(rows.unfinished) == 0, 180, "the messages to be answered")
        return count / seconds, took


async def _crowded(addresses: Sequence[str], first: Sequence[Webhook], wanted: Sequence[Webhook]) -> tuple[float, list[float]]:
    post = SocketPost()
    try:
        for address, webhook in zip(addresses, first, strict=False):
            await until_taken(address, webhook)
        await crowd(post, addresses, first[len(addresses) :], TOGETHER)
        gc.freeze()  # the callers stand still while we look through our own garbage: that is no time of the servers
        began = clock.monotonic()
        posted = await crowd(post, addresses, wanted, TOGETHER)
        return clock.monotonic() - began, [each.milliseconds for each in posted]
    finally:
        gc.unfreeze()
        await post.close()


def _stored(conn: Connection, prefix: str) -> int:
    query = select(func.count()).select_from(inbound_events).where(inbound_events.c.sender.startswith(prefix))
    return int(conn.execute(query).scalar_one())


async def _steadily(address: str, wanted: Sequence[Webhook]) -> list[float]:
    post = SocketPost()
    try:
        return [each.milliseconds for each in await steady(post, address, wanted, RATE)]
    finally:
        await post.close()
