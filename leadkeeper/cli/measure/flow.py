"""bench flow: the whole way of a message, from the signed webhook to the provider's acceptance of the answer.

Driver, provider and server are three processes on the same cores. Quiet time 0, no statuses.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, func, select

from leadkeeper import clock
from leadkeeper.cli.measure.figure import Figure, percentile
from leadkeeper.cli.measure.ground import Ground
from leadkeeper.cli.measure.load import Posted, Webhook, crowd, steady, until_taken, webhooks
from leadkeeper.cli.measure.staged import account_of, staged
from leadkeeper.cli.proof import rows
from leadkeeper.cli.proof.figures import chat_ms
from leadkeeper.cli.proof.stage import Stage
from leadkeeper.errors import Unavailable
from leadkeeper.simulator.posting import SocketPost
from leadkeeper.store.schema import conversations, messages

CONVERSATIONS = 1_500
"""Enough that the first and the last of them, when web and worker wait for each other, weigh little."""
TOGETHER = 32
GENTLE_RATE = 20
GENTLE_SECONDS = 5
CHATS = 18
"""Three rounds stay below the visitors' limit of 60 a minute and address."""
SETTLE_SECONDS = 3.0
IDLE_SECONDS = 60.0
PATIENCE_SECONDS = 90.0


def measure(ground: Ground, scale: float) -> Sequence[Figure]:
    """One round on one server: memory and processor time idle, latency, web chat, throughput, then kill -9 and the way back."""
    with staged(ground) as stage:
        clock.sleep_until_tick(SETTLE_SECONDS * min(1.0, scale))
        memory = stage.memory_mb()
        idle = _idle_percent(stage, max(1.0, IDLE_SECONDS * min(1.0, scale)))
        first = _latencies(stage, 1)[0]  # it pays for whatever is loaded late
        latencies = _latencies(stage, max(3, int(GENTLE_RATE * GENTLE_SECONDS * scale)))
        chats = [chat_ms(stage, number) for number in range(max(2, int(CHATS * min(1.0, scale))))]
        count = max(5, int(CONVERSATIONS * scale))
        rate, cpu = _conversations(stage, count)
        at_half = _latencies(stage, max(3, int(rate / 2 * GENTLE_SECONDS * min(1.0, scale))), rate / 2)
        stage.behave(statuses=["sent", "delivered", "read"])
        with_statuses, _ = _conversations(stage, count, "read")
        back = _killed(stage)
    return [
        Figure("flow", "conversations", "conversations/s", [rate]),
        Figure("flow", "conversations_with_statuses", "conversations/s", [with_statuses]),
        Figure("flow", "cpu_per_conversation", "ms", [cpu]),
        Figure("flow", "webhook_to_call_p50", "ms", [percentile(latencies, 0.5)]),
        Figure("flow", "webhook_to_call_p95", "ms", [percentile(latencies, 0.95)]),
        Figure("flow", "webhook_to_call_p95_at_half", "ms", [percentile(at_half, 0.95)]),
        Figure("flow", "webchat_to_answer_p95", "ms", [percentile(chats, 0.95)]),
        Figure("flow", "first_answer_after_start", "ms", [first]),
        Figure("flow", "first_webhook_after_kill", "s", [back]),
        Figure("flow", "memory_idle", "MB", [memory]),
        Figure("flow", "idle_cpu", "% of a core", [idle]),
    ]


def _idle_percent(stage: Stage, seconds: float) -> float:
    """Processor time of web and worker while nothing happens, as a share of one core."""
    used, began = stage.cpu_seconds(), clock.monotonic()
    clock.sleep_until_tick(seconds)
    return (stage.cpu_seconds() - used) / (clock.monotonic() - began) * 100


def _latencies(stage: Stage, count: int, rate: float = GENTLE_RATE) -> list[float]:
    """Milliseconds from the posting of a webhook to the call the provider got for it, at so many a second."""
    wanted = webhooks(account_of(stage), count)
    posted = asyncio.run(_post(stage, wanted, rate))
    _answered(stage, wanted)
    log = stage.provider.get("/sim/log", params={"kind": "send", "limit": 20_000}).json()["entries"]
    called = {entry["to"]: float(entry["at"]) for entry in log}
    return [(called[each.sender] - each.at) * 1000 for each in posted]


def _conversations(stage: Stage, count: int, end: str = "accepted") -> tuple[float, float]:
    """(answered a second, each up to the state `end`; milliseconds of processor time of web and worker for each)."""
    wanted = webhooks(account_of(stage), count)
    used, began = stage.cpu_seconds(), clock.now()
    asyncio.run(_post(stage, wanted, None))
    ended = _answered(stage, wanted, end)
    return count / (ended - began).total_seconds(), (stage.cpu_seconds() - used) * 1000 / count


def _killed(stage: Stage) -> float:
    """Seconds from the start after a kill -9 of everything to the first webhook answered 200."""
    stage.kill()
    (webhook,) = webhooks(account_of(stage), 1)
    began = clock.monotonic()
    stage.launch()
    asyncio.run(until_taken(stage.address, webhook))
    return clock.monotonic() - began


async def _post(stage: Stage, wanted: Sequence[Webhook], a_second: float | None) -> list[Posted]:
    post = SocketPost()
    try:
        if a_second is None:
            return await crowd(post, stage.address, wanted, TOGETHER)
        return await steady(post, stage.address, wanted, a_second)
    finally:
        await post.close()


def _answered(stage: Stage, wanted: Sequence[Webhook], end: str = "accepted") -> datetime:
    """When the last of their answers came to the state `end`. Raises Unavailable when one never is, or another way ends."""
    prefix = wanted[0].sender[:-5]
    come_to = partial(_come_to, prefix=prefix, state=end)
    stage.wait(lambda: stage.rows(come_to)[0] >= len(wanted), PATIENCE_SECONDS, "the answers")
    stage.wait(lambda: stage.rows(rows.unfinished) == 0, PATIENCE_SECONDS, "the last jobs")
    count, last = stage.rows(come_to)
    if count != len(wanted) or last is None:
        raise Unavailable(f"{count} answers to {len(wanted)} questions")
    return last


def _come_to(conn: Connection, prefix: str, state: str) -> tuple[int, datetime | None]:
    query = (
        select(func.count(), func.max(messages.c.state_at))
        .join(conversations, conversations.c.id == messages.c.conversation_id)
        .where(messages.c.purpose == "reply", messages.c.state == state, conversations.c.address.startswith(prefix))
    )
    count, last = conn.execute(query).one()
    return int(count), last
