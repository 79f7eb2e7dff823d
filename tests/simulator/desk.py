"""The simulated provider in process, with a desk that takes its webhooks down."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2

from leadkeeper.channels.base import Intent, SendResult
from leadkeeper.channels.whatsapp import receive, send, verify
from leadkeeper.crm.accounts import Account
from leadkeeper.simulator.app import build
from leadkeeper.simulator.state import SimAccount, Simulator

NUMBER, TOKEN, SECRET = "301122334455667", "sim-token-0001", "sim-secret"
CUSTOMER = "971501234567"


@dataclass
class Desk:
    """What came in, and how it is answered: `answers` are used up one by one, then 200."""

    bodies: list[bytes] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    simulator: Simulator = field(init=False)
    http: httpx2.AsyncClient = field(init=False)

    async def take(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """A webhook arrives: its signature must be right."""
        verify(SECRET.encode(), headers, body)
        self.bodies.append(body)
        return self.answers.pop(0) if self.answers else 200

    @property
    def statuses(self) -> list[str]:
        """Every status that came, in order."""
        return [status.status for body in self.bodies for status in receive(json.loads(body)).statuses]

    @property
    def texts(self) -> list[str]:
        """The text of every message that came, in order."""
        events = [event for body in self.bodies for event in receive(json.loads(body)).events]
        return [event.payload["message"]["text"]["body"] for event in events]

    @property
    def account(self) -> Account:
        """Our side of the connected number."""
        return Account(1, "whatsapp", NUMBER, "Desk", "http://sim", {}, credentials={"token": TOKEN, "app_secret": SECRET})

    async def send(self, text: str = "Hello", to: str = CUSTOMER, token: str = "1.1", seconds: float = 2) -> SendResult:
        """We write to a customer."""
        intent = Intent(1, token, self.account, to, "text", text, timeout=timedelta(seconds=seconds))
        return await send(self.http, intent, lambda: True)

    async def ask(self, path: str, **given: Any) -> dict[str, Any]:
        """POST to the simulator's control."""
        response = await self.http.post(f"http://sim/sim/{path}", json=given)
        shape: dict[str, Any] = response.json()
        return shape

    async def log(self, **query: Any) -> dict[str, Any]:
        """The simulator's log."""
        shape: dict[str, Any] = (await self.http.get("http://sim/sim/log", params=query)).json()
        return shape


@asynccontextmanager
async def desk(**account: str) -> AsyncIterator[Desk]:
    """A connected desk; everything under way is ended afterwards."""
    here = Desk()
    here.simulator = Simulator(here.take)
    here.simulator.connect(
        SimAccount(**{"phone_number_id": NUMBER, "token": TOKEN, "app_secret": SECRET, "target": "http://desk", **account})
    )
    here.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(build(here.simulator)))
    try:
        yield here
    finally:
        await here.simulator.deliverer.stop()
        await here.http.aclose()
