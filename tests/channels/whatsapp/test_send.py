"""What one send comes to, over real sockets: known unsent, taken, refused, or in doubt."""

import asyncio
import json
from datetime import timedelta

import httpx2
import pytest

from leadkeeper.channels.base import Accepted, Intent, Refused, Rejected, SendResult, Unknown
from leadkeeper.channels.whatsapp import send
from leadkeeper.channels.wire import Wire as OurWire
from tests.channels.whatsapp import wire
from tests.channels.whatsapp.wire import Wire, answering, intent, provider
from tests.patience import until

OK = json.dumps({"messages": [{"id": "wamid.OUT1"}], "contacts": [{"input": "971501234567", "wa_id": "971501234567"}]}).encode()


def error(code: int, **more: object) -> bytes:
    return json.dumps({"error": {"code": code, "message": f"(#{code}) no", **more}}).encode()


def yes() -> bool:
    return True


@pytest.fixture(params=["usual", "wire"], autouse=True)
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every rule holds on the usual transport and on our own."""
    if request.param == "wire":
        monkeypatch.setitem(CLIENT, "make", lambda: httpx2.AsyncClient(transport=OurWire(httpx2.AsyncHTTPTransport())))


CLIENT = {"make": lambda: httpx2.AsyncClient(trust_env=False)}


async def sent(message: Intent) -> SendResult:
    async with CLIENT["make"]() as client:
        return await send(client, message, yes)


async def sent_to(peer: wire.Peer, seconds: float = 2) -> tuple[SendResult, Wire]:
    async with provider(peer) as seen:
        return await sent(intent(seen.url, timeout=timedelta(seconds=seconds))), seen


async def test_an_id_in_the_answer_means_taken() -> None:
    result, seen = await sent_to(answering(wire.http(200, OK)))
    assert result == Accepted("wamid.OUT1", "971501234567")
    assert seen.connections == 1


@pytest.mark.parametrize(
    "raw",
    [
        wire.http(200, OK[:30]),
        wire.http(200, b""),
        wire.http(200, b"<html>ok</html>"),
        wire.http(200, b"{}"),
        wire.http(200, b'{"messages": []}'),
        wire.http(200, b'{"messages": [{"id": ""}]}'),
        wire.http(200, b"[1]"),
        wire.http(200, b"[" * 50_000),
        wire.http(200, b'{"a": "' + b"x" * 200_000 + b'"}'),
        wire.http(200, OK).replace(b"content-length: ", b"content-length: 9"),
        wire.http(500, b""),
        wire.http(502, b"<html><h1>Bad gateway</h1></html>"),
        wire.http(503, error(999_999)),
        wire.http(504, b'{"error": "gateway"}'),
        wire.http(500, b'{"error": {"message": "no code"}}'),
        wire.http(400, b"<html>bad request</html>"),
        wire.http(400, error(999_998, is_transient=True)),
        wire.http(302, b"", "location: https://elsewhere.example/"),
        wire.http(200, error(999_997)),
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"not http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc",
    ],
)
async def test_a_written_request_without_a_clear_answer_is_in_doubt(raw: bytes) -> None:
    result, seen = await sent_to(answering(raw))
    assert isinstance(result, Unknown), result
    assert seen.connections == 1


@pytest.mark.parametrize("peer", [wire.resets_after_reading, wire.resets_in_the_head])
async def test_a_reset_after_writing_is_in_doubt(peer: wire.Peer) -> None:
    result, seen = await sent_to(peer)
    assert isinstance(result, Unknown), result
    assert seen.connections == 1


async def test_a_call_that_outlives_its_time_is_in_doubt_and_ends() -> None:
    started = asyncio.get_running_loop().time()
    for result, seen in await asyncio.gather(sent_to(wire.never_answers), sent_to(wire.drips)):
        assert isinstance(result, Unknown), result
        assert seen.connections == 1
    assert asyncio.get_running_loop().time() - started < 30


async def test_nobody_listening_is_known_unsent() -> None:
    async with provider(wire.never_answers) as seen:
        url = seen.url
    result = await sent(intent(url))
    assert isinstance(result, Refused)
    assert result.counts


async def test_a_name_that_does_not_resolve_is_known_unsent() -> None:
    assert isinstance(await sent(intent("http://nowhere.invalid")), Refused)


@pytest.mark.parametrize("url", ["", "ftp://files.example", "http://[::1", "graph.example"])
async def test_an_address_that_is_none_is_known_unsent(url: str) -> None:
    assert isinstance(await sent(intent(url)), Refused)


async def test_a_failing_tls_handshake_is_known_unsent() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 no tls here\r\n\r\n")

    async with provider(plain) as seen:
        result = await sent(intent(seen.url.replace("http://", "https://")))
    assert isinstance(result, Refused)


async def test_no_free_connection_in_time_is_known_unsent() -> None:
    async with provider(wire.never_answers) as seen, httpx2.AsyncClient(limits=httpx2.Limits(max_connections=1)) as client:
        holding = asyncio.create_task(send(client, intent(seen.url, timeout=timedelta(seconds=3)), yes))
        await until(lambda: bool(seen.connections))
        result = await send(client, intent(seen.url, timeout=timedelta(seconds=0.2)), yes)
        assert isinstance(result, Refused)
        assert isinstance(await holding, Unknown)
        assert seen.connections == 1


async def test_the_lease_is_asked_when_connected_and_before_the_first_byte() -> None:
    heard = bytearray()

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.read())

    async with provider(peer) as seen, CLIENT["make"]() as client:
        asked: list[int] = []

        def no() -> bool:
            asked.append(seen.connections)
            return False

        result = await send(client, intent(seen.url), no)
        await asyncio.sleep(0.05)

    assert result == Refused("lease", counts=False)
    assert len(asked) == 1
    assert seen.connections == 1
    assert not heard


async def test_the_lease_is_asked_once_also_on_a_connection_used_before() -> None:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await wire.whole_request(reader)
            writer.write(wire.http(200, OK))

    asked: list[bool] = []

    def ours() -> bool:
        asked.append(True)
        return len(asked) < 3

    async with provider(peer) as seen, CLIENT["make"]() as client:
        results = [await send(client, intent(seen.url), ours) for _ in range(3)]

    assert [type(result) for result in results] == [Accepted, Accepted, Refused]
    assert len(asked) == 3
    assert seen.connections == 1


async def test_in_process_transports_ask_the_lease_too() -> None:
    calls = 0

    async def app(request: httpx2.Request) -> httpx2.Response:
        nonlocal calls
        calls += 1
        return httpx2.Response(200, content=OK)

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(app)) as client:
        assert await send(client, intent("http://sim"), lambda: False) == Refused("lease", counts=False)
        assert calls == 0
        assert isinstance(await send(client, intent("http://sim"), yes), Accepted)


async def test_a_redirect_is_not_followed_with_the_message() -> None:
    async with provider(answering(wire.http(200, OK))) as other:
        result, _ = await sent_to(answering(wire.http(307, b"", f"location: {other.url}/v26.0/x/messages")))
        assert isinstance(result, Unknown)
        assert other.connections == 0


async def test_a_token_quoted_by_the_provider_is_not_kept() -> None:
    body = json.dumps({"error": {"code": 190, "message": f"Malformed access token {wire.TOKEN}"}}).encode()
    result, _ = await sent_to(answering(wire.http(401, body)))
    assert isinstance(result, Rejected)
    assert wire.TOKEN not in result.reason
    assert result.action == "halt"


@pytest.mark.parametrize("token", ["", "two words", "Zeilen\numbruch", "schlüssel"])
async def test_an_account_without_a_usable_token_is_halted_and_nothing_leaves(token: str) -> None:
    async with provider(wire.never_answers) as seen:
        account = wire.account(seen.url, credentials={"token": token})
        result = await sent(intent(seen.url, account=account))
        assert isinstance(result, Rejected)
        assert result.action == "halt"
        assert seen.connections == 0


async def test_what_cannot_be_sent_at_all_opens_no_connection() -> None:
    async with provider(wire.never_answers) as seen:
        result = await sent(intent(seen.url, text=""))
        assert isinstance(result, Rejected)
        assert seen.connections == 0
