"""The measured figures of the report. Loads are bounded and go to the staged server alone."""

import asyncio
import json
import statistics
import uuid
from functools import partial

import httpx2

from leadkeeper import clock
from leadkeeper.channels.whatsapp.webhook import HEADER, sign
from leadkeeper.cli.measure.figure import percentile
from leadkeeper.cli.proof import rows
from leadkeeper.cli.proof.stage import NUMBER, Stage

ACK_SECONDS = 3
ACK_RATE = 100
CHATS = 20


def measure(stage: Stage) -> dict[str, float]:
    """Acknowledgement at 100 webhooks a second while the worker works, pick-up, web chat to stored answer, memory."""
    acks = asyncio.run(_acknowledgements(stage))
    stage.wait(lambda: stage.rows(rows.unfinished) == 0, 60, "the measured webhooks to be worked off")
    chats = [chat_ms(stage, number) for number in range(CHATS)]
    idle = [_pick_up(stage, number) for number in range(10)]
    return {
        "ack_p50_ms": round(statistics.median(acks), 1),
        "ack_p99_ms": round(percentile(acks, 0.99), 1),
        "pick_up_p50_ms": round(statistics.median(idle), 1),
        "webchat_p95_ms": round(percentile(chats, 0.95), 1),
        "memory_mb": round(stage.memory_mb(), 1),
    }


async def _acknowledgements(stage: Stage) -> list[float]:
    secret = stage.secrets["app_secret"].encode()
    took: list[float] = []
    async with httpx2.AsyncClient(base_url=stage.address, timeout=10) as http:

        async def post(number: int) -> None:
            body = _text(f"97155600{number:04}", "Where is your office?")
            began = clock.monotonic()
            answer = await http.post(
                "/api/webhooks/whatsapp", content=body, headers={HEADER: sign(secret, body), "content-type": "application/json"}
            )
            answer.raise_for_status()
            took.append((clock.monotonic() - began) * 1000)

        began = clock.monotonic()
        tasks = []
        for number in range(ACK_SECONDS * ACK_RATE):
            await asyncio.sleep(max(0.0, began + number / ACK_RATE - clock.monotonic()))
            tasks.append(asyncio.create_task(post(number)))
        await asyncio.gather(*tasks)
    return took


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
    received = stage.rows(partial(rows.of_senders, prefix=visitor))[0]
    waited = answer.created_at - stage.rows(partial(rows.received_at, event_id=received.event_id))
    return float(waited.total_seconds() * 1000)


def _text(sender: str, text: str) -> bytes:
    message = {
        "from": sender,
        "id": f"wamid.{uuid.uuid4().hex}",
        "timestamp": str(int(clock.now().timestamp())),
        "type": "text",
        "text": {"body": text},
    }
    value = {"messaging_product": "whatsapp", "metadata": {"phone_number_id": NUMBER}, "messages": [message]}
    entry = {"id": "1", "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()
