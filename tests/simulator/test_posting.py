import asyncio

import pytest

from leadkeeper.simulator.posting import SocketPost
from tests.channels.whatsapp import wire
from tests.channels.whatsapp.wire import answering, provider

HEADERS = {"content-type": "application/json", "x-a": "1"}


async def posted(peer: wire.Peer, times: int = 1) -> tuple[list[int], int]:
    post = SocketPost()
    async with provider(peer) as seen:
        answers = [await post(f"{seen.url}/hook?x=1", b'{"a":1}', HEADERS) for _ in range(times)]
        await post.close()
    return answers, seen.connections


async def test_a_connection_is_kept_for_the_next_webhook() -> None:
    requests: list[bytes] = []

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            requests.append(await wire.whole_request(reader))
            writer.write(wire.http(200, b"ok"))

    answers, connections = await posted(peer, times=3)

    assert (answers, connections) == ([200, 200, 200], 1)
    assert requests[0].startswith(b"POST /hook?x=1 HTTP/1.1\r\n")
    assert requests[0].endswith(b'x-a: 1\r\n\r\n{"a":1}')


@pytest.mark.parametrize(
    "raw",
    [
        wire.http(200, b"ok", "connection: close"),
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
        wire.http(200, b"ok"),
    ],
)
async def test_an_ended_connection_is_opened_anew(raw: bytes) -> None:
    assert await posted(answering(raw), times=3) == ([200, 200, 200], 3)


async def test_any_status_is_told() -> None:
    assert (await posted(answering(wire.http(503, b"later"))))[0] == [503]
    assert (await posted(answering(b"HTTP/1.1 204 No Content\r\n\r\n")))[0] == [204]


@pytest.mark.parametrize("raw", [b"", b"HTTP/1.1 200 OK\r\n", b"no http\r\n\r\n", b"x" * 200_000])
async def test_what_is_no_answer_is_none(raw: bytes) -> None:
    assert (await posted(answering(raw)))[0] == [0]


async def test_nobody_there_is_no_answer() -> None:
    async with provider(wire.never_answers) as seen:
        url = seen.url
    post = SocketPost()
    assert await post(url, b"", {}) == 0
    assert await post(url.replace("http://", "https://"), b"", {}) == 0
    assert await post("https://[", b"", {}) == 0
    await post.close()
