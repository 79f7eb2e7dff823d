"""Customers who write whatever happens: as providers do, their messages are posted again until they are answered 200."""

import asyncio
import uuid
from collections import Counter
from dataclasses import dataclass, field

from leadkeeper import clock
from leadkeeper.cli.faults.business import ACCOUNT, Business
from leadkeeper.cli.faults.stories import HOURS
from leadkeeper.errors import Unavailable
from leadkeeper.simulator import payloads

AGAIN_SECONDS = 0.1
PATIENCE_SECONDS = 120.0


@dataclass(slots=True)
class Crowd:
    """What they met with: `answers` by status, when messages were taken (monotonic), and the `seconds` each answer took."""

    business: Business
    answers: Counter[int] = field(default_factory=Counter)
    taken_at: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    async def ask(self, customers: int, a_second: float) -> None:
        """So many new customers write, one after the other at this rate. Raises Unavailable when one is never answered 200."""
        began, asking = clock.monotonic(), []
        for number in range(customers):
            await asyncio.sleep(max(0.0, began + number / a_second - clock.monotonic()))
            asking.append(asyncio.create_task(self.one()))
        await asyncio.gather(*asking)

    async def one(self) -> str:
        """One new customer asks a question; returns their number."""
        sender, wamid = f"9715{uuid.uuid4().int % 10**9:09}", f"wamid.{uuid.uuid4().hex}"
        message = payloads.message(wamid, sender, payloads.text(HOURS))
        body = payloads.encode(payloads.envelope(ACCOUNT, payloads.messages_value(ACCOUNT, [message], {sender: "Sara"})))
        self.business.journal.post(wamid, sender, "question", body)
        began = clock.monotonic()
        while (status := await self._knock(body)) != 200:
            if clock.monotonic() - began > PATIENCE_SECONDS:
                raise Unavailable(f"for {PATIENCE_SECONDS:g} s a message was answered {status}")
            await asyncio.sleep(AGAIN_SECONDS)
        self.business.journal.acknowledge(wamid)
        return sender

    async def _knock(self, body: bytes) -> int:
        began = clock.monotonic()
        status = await self.business.knock(body)
        now = clock.monotonic()
        self.answers[status] += 1
        self.seconds.append(now - began)
        if status == 200:
            self.taken_at.append(now)
        return status

    def silence_after(self, moment: float) -> float:
        """Seconds from a monotonic moment until a message was taken again; infinite while none was."""
        return min((at - moment for at in self.taken_at if at > moment), default=float("inf"))

    @property
    def odd_answers(self) -> list[str]:
        """What a provider must never hear from us, outage or not: it is 200, or 503."""
        odd = {status: count for status, count in self.answers.items() if status not in (200, 503)}
        return [f"{count} webhooks were answered {status}" for status, count in sorted(odd.items())]
