"""Webhooks out: signed, in batches, shuffled, doubled, late, and again until they are taken.

One task per webhook; nothing is lost while the receiver is down, for a provider does not lose it
either: a delivery is repeated until it is answered 200 or its retries are used up.
"""

import asyncio
import random
from collections.abc import Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from leadkeeper.channels.whatsapp.webhook import sign
from leadkeeper.simulator import payloads
from leadkeeper.simulator.posting import Post, SocketPost

if TYPE_CHECKING:
    from leadkeeper.simulator.state import SimAccount, Simulator

AT_ONCE = 64
"""Webhooks under way at the same time."""
_LONGEST_WAIT = 5.0


class Deliverer:
    """Sends the provider's webhooks. All its tasks live on the loop of the first delivery."""

    def __init__(self, simulator: "Simulator", post: Post | None) -> None:
        self._simulator = simulator
        self._post = post or SocketPost()
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._gathered: dict[str, list[Mapping[str, Any]]] = {}

    @property
    def pending(self) -> int:
        """Webhooks, and statuses still gathering, that have not been taken yet."""
        return len(self._tasks)

    async def settle(self) -> None:
        """Wait until everything that is under way has been taken or given up."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def stop(self) -> None:
        """Give up what is under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if isinstance(self._post, SocketPost):
            await self._post.close()

    async def now(self, account: "SimAccount", body: Mapping[str, Any]) -> int:
        """Deliver once and tell the answer's status; not repeated."""
        return await self._once(account, payloads.encode(body))

    def later(self, account: "SimAccount", body: Mapping[str, Any], delay_ms: float = 0) -> None:
        """Deliver in the background until it is taken, with the doubles and the late repeat of the behaviour."""
        raw = payloads.encode(body)
        behaviour = self._simulator.behaviour
        for _ in range(1 + behaviour.duplicates):
            self._spawn(self._until_taken(account, raw, delay_ms))
        if behaviour.redeliver_ms:
            self._spawn(self._until_taken(account, raw, delay_ms + behaviour.redeliver_ms))

    def statuses(self, account: "SimAccount", statuses: Sequence[Mapping[str, Any]], delay_ms: float) -> None:
        """The statuses of one message, one after the other (or in any order), each `delay_ms` after the one before."""
        behaviour = self._simulator.behaviour
        ordered = list(statuses)
        if behaviour.shuffle:
            random.shuffle(ordered)
        if not delay_ms:
            self._gather(account, ordered)
            return
        for place, status in enumerate(ordered, 1):
            self._spawn(self._gather_after(account, [status], place * delay_ms))

    async def _gather_after(self, account: "SimAccount", statuses: list[Mapping[str, Any]], delay_ms: float) -> None:
        await asyncio.sleep(delay_ms / 1_000)
        self._gather(account, statuses)

    def _gather(self, account: "SimAccount", statuses: list[Mapping[str, Any]]) -> None:
        waiting = self._gathered.setdefault(account.phone_number_id, [])
        first = not waiting
        waiting.extend(statuses)
        behaviour = self._simulator.behaviour
        if not behaviour.batch_ms or len(waiting) >= behaviour.batch_max:
            self._flush(account)
        elif first:
            self._spawn(self._flush_after(account, behaviour.batch_ms))

    async def _flush_after(self, account: "SimAccount", delay_ms: float) -> None:
        await asyncio.sleep(delay_ms / 1_000)
        self._flush(account)

    def _flush(self, account: "SimAccount") -> None:
        waiting = self._gathered.pop(account.phone_number_id, [])
        size = max(self._simulator.behaviour.batch_max, 1)
        for start in range(0, len(waiting), size):
            body = payloads.envelope(account, payloads.statuses_value(account, waiting[start : start + size]))
            self.later(account, body)

    async def _until_taken(self, account: "SimAccount", raw: bytes, delay_ms: float) -> None:
        if delay_ms:
            await asyncio.sleep(delay_ms / 1_000)
        wait = self._simulator.behaviour.retry_ms / 1_000
        for _ in range(1 + self._simulator.behaviour.retries):
            if await self._once(account, raw) == 200 or not account.target:
                return
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)
        self._simulator.log.totals["webhookGivenUp"] += 1

    async def _once(self, account: "SimAccount", raw: bytes) -> int:
        account = self._simulator.accounts.get(account.phone_number_id, account)  # it may have moved meanwhile
        if not account.target:
            return 0
        headers = {
            "content-type": "application/json",
            "user-agent": "facebookexternalua",
            "x-hub-signature-256": sign(account.app_secret.encode(), raw),
        }
        async with self._room:
            answer = await self._post(account.target, raw, headers)
        self._simulator.log.totals["webhook"] += 1
        self._simulator.log.totals[f"webhook{answer}"] += 1
        return answer

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
