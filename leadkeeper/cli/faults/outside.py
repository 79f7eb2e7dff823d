"""Everybody outside in a simulated world: the provider with its moods, the model with its own, and what is known of both."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx2

from leadkeeper.cli.faults.business import ACCOUNT
from leadkeeper.simulator import payloads

REFUSALS = (131016, 131000, 130429, 131056)
"""Documented as not accepted, and worth another try."""
NEVER = (131026, 131047, 470)
HALTING = 190


@dataclass(frozen=True, slots=True)
class Call:
    """One request the provider has had: what it carried, when, and what became of it."""

    token: str
    to: str
    at: float
    mood: str
    taken: bool

    @property
    def message_id(self) -> int:
        """Which of our messages it was."""
        return int(self.token.partition(".")[0])


@dataclass(slots=True)
class Moods:
    """How the outside behaves just now; every share is of 1."""

    refuses: float = 0.0
    rejects: float = 0.0
    fails: float = 0.0
    silent: float = 0.0
    unreachable: float = 0.0
    halts: float = 0.0
    slow: float = 0.0
    model_fails: float = 0.0
    statuses: float = 1.0

    @classmethod
    def drawn(cls, random: Random) -> "Moods":
        """Moods of a bad day."""
        moods = cls()
        for name in ("refuses", "rejects", "fails", "silent", "unreachable"):
            setattr(moods, name, random.choice((0.0, 0.05, 0.2)))
        moods.halts, moods.slow = random.choice((0.0, 0.02)), random.choice((0.0, 0.1))
        moods.model_fails, moods.statuses = random.choice((0.0, 0.3, 1.0)), random.random()
        return moods


@dataclass(slots=True)
class Outside:
    """The provider and the model. `deliver` takes a webhook body; `calls` is all the provider has seen."""

    random: Random
    deliver: Callable[[dict[str, Any]], None]
    moods: Moods = field(default_factory=Moods)
    calls: list[Call] = field(default_factory=list)
    _numbers: int = 0

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        """What a request over the network comes to."""
        if request.url.host == "model":
            return await self._complete(request)
        if self._drawn(self.moods.unreachable):
            raise httpx2.ConnectError("nobody listens")
        body = json.loads(b"".join([chunk async for chunk in _stream(request)]))
        return await self._send(body)

    async def _send(self, body: dict[str, Any]) -> httpx2.Response:
        token, to = body["biz_opaque_callback_data"], body["to"]
        mood = self._mood()
        taken = mood in ("takes", "slow") or (mood in ("fails", "silent") and self.random.random() < 0.5)
        self.calls.append(Call(token, to, asyncio.get_running_loop().time(), mood, taken))
        wamid = f"wamid.OUT{self._next()}"
        if taken:
            self._report(wamid, token, to)
        await asyncio.sleep(self.random.uniform(20, 40) if mood == "slow" else self.random.expovariate(10))
        match mood:
            case "silent":
                raise httpx2.ReadError("connection reset")
            case "fails":
                page = self.random.choice(("<html>Bad gateway</html>", "{", '{"messages": []}'))
                return httpx2.Response(self.random.choice((200, 500, 502, 504)), text=page)
            case "refuses":
                return _error(503, self.random.choice(REFUSALS))
            case "rejects":
                return _error(400, self.random.choice(NEVER))
            case "halts":
                return _error(401, HALTING)
        return httpx2.Response(200, json={"messaging_product": "whatsapp", "messages": [{"id": wamid}]})

    def _mood(self) -> str:
        for mood in ("refuses", "rejects", "fails", "silent", "halts", "slow"):
            if self._drawn(getattr(self.moods, mood)):
                return mood
        return "takes"

    def _report(self, wamid: str, token: str, to: str) -> None:
        """The statuses of a taken message: late, doubled, in any order, or never."""
        if not self._drawn(self.moods.statuses):
            return
        words = ["sent", "delivered", "read"][: self.random.randint(1, 3)]
        if self.random.random() < 0.05:
            words = ["failed"]
        for word in words + self.random.choices(words, k=self.random.randint(0, 1)):
            status = payloads.status(wamid, word, to, token)
            body = payloads.envelope(ACCOUNT, payloads.statuses_value(ACCOUNT, [status]))
            asyncio.get_running_loop().call_later(self.random.expovariate(0.5), self.deliver, body)

    async def _complete(self, request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(self.random.expovariate(1))
        if self._drawn(self.moods.model_fails):
            match self.random.randrange(4):
                case 0:
                    raise httpx2.ReadTimeout("too slow")
                case 1:
                    await asyncio.sleep(3_600)
                case 2:
                    return httpx2.Response(500, text="no")
            return httpx2.Response(200, json={"choices": [{"message": {"content": "gibberish"}}]})
        quote = "We are open Monday to Friday from 9:00 to 20:00."
        said = json.dumps({"decision": "answer", "text": quote, "citations": ["P1"], "quotes": [quote]})
        return httpx2.Response(200, json={"choices": [{"message": {"role": "assistant", "content": said}}]})

    def _drawn(self, share: float) -> bool:
        return self.random.random() < share

    def _next(self) -> int:
        self._numbers += 1
        return self._numbers


class Network(httpx2.AsyncBaseTransport):
    """The way from one process to the outside. `held_up`: waits while the process cannot hear; raises when it is dead."""

    def __init__(self, outside: Outside, held_up: Callable[[], Awaitable[None]]) -> None:
        self._outside = outside
        self._held_up = held_up

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One request there and back."""
        await self._held_up()
        try:
            return await self._outside.answer(request)
        finally:
            await self._held_up()


def attempts(calls: Sequence[Call]) -> dict[str, list[Call]]:
    """Calls by token."""
    found: dict[str, list[Call]] = {}
    for call in calls:
        found.setdefault(call.token, []).append(call)
    return found


def _error(status: int, code: int) -> httpx2.Response:
    return httpx2.Response(status, json={"error": {"message": f"simulated {code}", "code": code, "type": "OAuthException"}})


async def _stream(request: httpx2.Request) -> Any:
    async for chunk in request.stream:  # type: ignore[union-attr]
        yield chunk
