"""The door is open from the first moment: nobody who knows a path is told it does not exist."""

import asyncio

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from leadkeeper.cli import gate as gates
from leadkeeper.cli.gate import Gate


async def hello(request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


APP = Starlette(routes=[Route("/known", hello)])


def client(gate: Gate) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(gate), base_url="http://desk")


async def test_while_starting_a_known_path_is_503_and_told_when_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "HOLD_SECONDS", 0.01)
    async with client(Gate()) as http:
        answer = await http.post("/api/webhooks/whatsapp")

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.json() == {"ok": False, "error": "starting", "code": "starting"}


async def test_while_starting_the_process_says_that_it_is_alive() -> None:
    async with client(Gate()) as http:
        answer = await http.get("/healthz")

    assert (answer.status_code, answer.json()["product"]) == (200, "leadkeeper")


async def test_a_request_that_came_too_early_waits_for_the_app() -> None:
    gate = Gate()
    async with client(gate) as http:
        early = asyncio.create_task(http.get("/known"))
        await asyncio.sleep(0.01)
        assert not early.done()

        gate.open(APP)

        assert (await early).text == "hello"


async def test_once_open_everything_goes_to_the_app() -> None:
    gate = Gate()
    gate.open(APP)
    async with client(gate) as http:
        assert (await http.get("/known")).text == "hello"
        assert (await http.get("/unknown")).status_code == 404
