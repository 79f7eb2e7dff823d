import json

import httpx2
import pytest

from leadkeeper.channels.base import Health
from leadkeeper.channels.whatsapp import health
from tests.channels.whatsapp import wire
from tests.channels.whatsapp.wire import provider


async def asked(raw: bytes) -> Health:
    async with provider(answering_get(raw)) as seen, httpx2.AsyncClient(trust_env=False) as client:
        return await health(client, wire.account(seen.url))


def answering_get(raw: bytes) -> wire.Peer:
    async def peer(reader, writer) -> None:  # type: ignore[no-untyped-def]
        await reader.readuntil(b"\r\n\r\n")
        writer.write(raw)
        await writer.drain()

    return peer


async def test_working_credentials_name_the_number() -> None:
    body = {"display_phone_number": "+971 4 555 0100", "verified_name": "Desk", "quality_rating": "GREEN", "id": "1"}
    found = await asked(wire.http(200, json.dumps(body).encode()))
    assert found == Health(True, name="Desk", address="+971 4 555 0100", quality="GREEN")


@pytest.mark.parametrize(
    ("told", "a_second"),
    [({"level": "STANDARD"}, 80), ({"level": "HIGH"}, 1_000), ({"level": "NOT_APPLICABLE"}, 0), ("HIGH", 0), (None, 0)],
)
async def test_the_numbers_tier_says_how_many_messages_a_second_it_may_send(told: object, a_second: int) -> None:
    body = {"display_phone_number": "+971 4 555 0100", "throughput": told}
    assert (await asked(wire.http(200, json.dumps(body).encode()))).throughput == a_second


async def test_a_refused_token_says_so_without_quoting_it() -> None:
    body = {"error": {"code": 190, "message": f"Error validating access token {wire.TOKEN}"}}
    found = await asked(wire.http(401, json.dumps(body).encode()))
    assert (found.ok, found.code) == (False, "190")
    assert wire.TOKEN not in found.reason


async def test_an_answer_that_is_none_is_not_healthy() -> None:
    assert not (await asked(wire.http(200, b"<html>"))).ok
    assert not (await asked(wire.http(200, b"{}"))).ok
    assert not (await asked(b"")).ok


async def test_an_account_without_a_token_is_not_asked_about() -> None:
    async with httpx2.AsyncClient() as client:
        found = await health(client, wire.account("http://127.0.0.1:1", credentials={}))
    assert found.code == "no_token"


async def test_nobody_there_is_not_healthy() -> None:
    async with httpx2.AsyncClient(trust_env=False) as client:
        found = await health(client, wire.account("http://127.0.0.1:1"))
    assert (found.ok, found.code) == (False, "unreachable")
    assert "cannot be reached" in found.reason
