"""bench models: a crowd asks at once while the model takes five seconds for an answer; all calls run at the same time.

The model is a server of this process: it says the same sentence to everybody, after `SECONDS`.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import Connection, func, select

from leadkeeper import clock
from leadkeeper.cli.measure.figure import Figure
from leadkeeper.cli.measure.ground import Ground
from leadkeeper.cli.measure.load import crowd, webhooks
from leadkeeper.cli.measure.staged import account_of, staged
from leadkeeper.cli.proof import rows
from leadkeeper.cli.proof.stage import Stage, free_port
from leadkeeper.errors import Unavailable
from leadkeeper.simulator.posting import SocketPost
from leadkeeper.store.schema import reply_drafts

CALLS = 1_000
SECONDS = 5.0
TOGETHER = 32
PATIENCE_SECONDS = 120.0
NAME = "bench"
_SAID = {"decision": "answer", "text": "Our office is on Palm Street 12.", "citations": ["P1"], "quotes": ["Palm Street 12"]}
_ANSWER = json.dumps({"model": NAME, "choices": [{"message": {"role": "assistant", "content": json.dumps(_SAID)}}]}).encode()
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(_ANSWER)


class SlowModel:
    """`most`: how many calls it has had in hand at once; `last`: when the newest came, in monotonic seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._now = self.most = 0
        self.first = self.last = 0.0

    @asynccontextmanager
    async def listening(self, port: int) -> AsyncIterator[None]:
        """Serve on a port of this machine."""
        async with await asyncio.start_server(self._serve, "127.0.0.1", port, backlog=CALLS):
            yield

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
            await reader.readexactly(next(int(line[15:]) for line in lines if line.startswith(b"content-length:")))
            await self._answer(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return  # the caller has hung up
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        self._now += 1
        self.most = max(self.most, self._now)
        self.last = clock.monotonic()
        self.first = self.first or self.last
        await asyncio.sleep(self._seconds)
        self._now -= 1
        writer.write(_HEAD + _ANSWER)
        await writer.drain()


def measure(ground: Ground, scale: float) -> Sequence[Figure]:
    """One round."""
    model, port = SlowModel(max(1.0, SECONDS * min(1.0, scale))), free_port()
    with staged(ground, LEADKEEPER_AI_URL=f"http://127.0.0.1:{port}/v1", LEADKEEPER_AI_MODEL=NAME) as stage:
        idle = stage.memory_mb()
        most, seconds = asyncio.run(_asked(stage, model, port, max(10, int(CALLS * scale))))
    return [
        Figure("models", "calls_at_once", "calls", [model.most]),
        Figure("models", "calls_begun_within", "s", [model.last - model.first]),
        Figure("models", "all_answered_after", "s", [seconds]),
        Figure("models", "memory_above_idle", "MB", [most - idle]),
    ]


async def _asked(stage: Stage, model: SlowModel, port: int, count: int) -> tuple[float, float]:
    """(the most memory in MB, the seconds until all were answered). Raises Unavailable when one was not, by the model."""
    async with model.listening(port):
        wanted, post, began = webhooks(account_of(stage), count), SocketPost(), clock.monotonic()
        try:
            await crowd(post, stage.address, wanted, TOGETHER)
        finally:
            await post.close()
        most = 0.0
        while stage.rows(_written) < count or stage.rows(rows.unfinished):
            if clock.monotonic() - began > PATIENCE_SECONDS:
                raise Unavailable(f"{stage.rows(_written)} of {count} were answered by the model in {PATIENCE_SECONDS:g} s")
            most = max(most, stage.memory_mb())
            await asyncio.sleep(0.1)
    return most, clock.monotonic() - began


def _written(conn: Connection) -> int:
    """How many answers the model wrote."""
    return int(conn.execute(select(func.count()).select_from(reply_drafts).where(reply_drafts.c.reason == "model")).scalar_one())
