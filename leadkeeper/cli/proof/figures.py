"""The measured figures of the report. Loads are bounded and go to the staged server alone."""

import asyncio
import statistics
import uuid
from functools import partial

from leadkeeper.cli.measure.figure import percentile
from leadkeeper.cli.measure.load import steady, webhooks
from leadkeeper.cli.measure.staged import account_of
from leadkeeper.cli.proof import rows
from leadkeeper.cli.proof.stage import Stage
from leadkeeper.simulator.posting import SocketPost

ACK_SECONDS = 3
ACK_RATE = 100
CHATS = 20
PICK_UPS = 10
LEAST = 3


def measure(stage: Stage, scale: float) -> dict[str, float]:
    """Acknowledgement at 100 webhooks a second while the worker works, pick-up, web chat to stored answer, memory."""
    acks = asyncio.run(_acknowledgements(stage, ACK_SECONDS * scale))
    stage.wait(lambda: stage.rows(rows.unfinished) == 0, 60, "the measured webhooks to be worked off")
    chats = [chat_ms(stage, number) for number in range(max(LEAST, int(CHATS * scale)))]
    idle = [_pick_up(stage, number) for number in range(max(LEAST, int(PICK_UPS * scale)))]
    return {
        "ack_p50_ms": round(statistics.median(acks), 1),
        "ack_p99_ms": round(percentile(acks, 0.99), 1),
        "pick_up_p50_ms": round(statistics.median(idle), 1),
        "webchat_p95_ms": round(percentile(chats, 0.95), 1),
        "memory_mb": round(stage.memory_mb(), 1),
    }


async def _acknowledgements(stage: Stage, seconds: float) -> list[float]:
    post = SocketPost()
    try:
        posted = await steady(post, stage.address, webhooks(account_of(stage), int(seconds * ACK_RATE)), ACK_RATE)
    finally:
        await post.close()
    return [each.milliseconds for each in posted]


def _pick_up(stage: Stage, number: int) -> float:
    """Milliseconds from enqueueing to start of one message on an idle system."""
    sender = f"97155700{number:04}"
    stage.says(sender, "Where is your office?")
    stage.wait(lambda: bool(stage.rows(partial(rows.pick_up_ms, prefix=sender))), 10, "one pick-up")
    stage.wait(lambda: stage.rows(rows.unfinished) == 0, 10, "one message to be worked off")
    return stage.rows(partial(rows.pick_up_ms, prefix=sender))[0]


def chat_ms(stage: Stage, number: int) -> float:
    """Milliseconds from a visitor's message to the stored answer, by the rows' own times."""
    visitor = f"prove-{number}-{uuid.uuid4().hex}"
    body = {"sessionId": visitor, "message": "Where is your office?", "clientMessageId": "1"}
    stage.api("POST", "/api/webhooks/webchat", json=body)
    read = partial(rows.outbound_to, prefix=visitor)
    stage.wait(lambda: bool(stage.rows(read)), 10, "an answer in the web chat")
    (answer,) = stage.rows(read)
    waited = answer.created_at - stage.rows(partial(rows.received_at, sender=answer.address))
    return float(waited.total_seconds() * 1000)
