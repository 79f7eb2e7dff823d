"""Our own transport for sends: every shape of answer is read whole, and a connection is used again only when it is sound."""

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
import uvloop

from leadkeeper.channels import wire as our_wire
from leadkeeper.channels.wire import Wire
from tests.channels.whatsapp.wire import Peer, answering, http, provider, whole_request


def wired() -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=Wire(httpx2.AsyncHTTPTransport()))


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    async with wired() as made:
        yield made


async def call(client: httpx2.AsyncClient, url: str, **headers: str) -> httpx2.Response:
    """A POST that goes by our transport."""
    more = {"last_moment": lambda: None}
    return await client.post(url + "/v1/messages?a=b", content=b"{}", headers=headers, extensions=more)


def always(raw: bytes, then: bytes = b"") -> Peer:
    """Answers every request of a connection with these bytes, the second part a moment later."""

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await whole_request(reader)
            writer.write(raw)
            if then:
                await asyncio.sleep(0.02)
                writer.write(then)

    return peer


@pytest.mark.parametrize(
    ("raw", "then"),
    [
        (http(200, b"hello"), b""),
        (http(200, b"hello")[:20], http(200, b"hello")[20:]),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n", b"2\r\nlo\r\n0\r\n\r\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + http(200, b"hello"), b""),
        (b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n", http(200, b"hello")),
    ],
)
async def test_an_answer_is_read_whole_and_its_connection_used_again(client: httpx2.AsyncClient, raw: bytes, then: bytes) -> None:
    async with provider(always(raw, then)) as seen:
        answers = [await call(client, seen.url) for _ in range(3)]

    assert [(each.status_code, each.content) for each in answers] == [(200, b"hello")] * 3
    assert seen.connections == 1


async def test_an_answer_without_a_length_lasts_as_long_as_its_connection(client: httpx2.AsyncClient) -> None:
    async with provider(answering(b"HTTP/1.1 200 OK\r\n\r\nhello")) as seen:
        answers = [await call(client, seen.url) for _ in range(2)]

    assert [each.content for each in answers] == [b"hello", b"hello"]
    assert seen.connections == 2


@pytest.mark.parametrize("raw", [http(200, b"ok", "connection: close"), http(200, b"ok") + b"HTTP/1.1 200 unasked\r\n\r\n"])
async def test_a_connection_that_is_not_sound_is_not_used_again(client: httpx2.AsyncClient, raw: bytes) -> None:
    async with provider(always(raw)) as seen:
        for _ in range(2):
            assert (await call(client, seen.url)).content == b"ok"
            await asyncio.sleep(0.02)

    assert seen.connections == 2


async def test_a_connection_its_provider_has_closed_meanwhile_is_not_used_again(client: httpx2.AsyncClient) -> None:
    async with provider(answering(http(200, b"ok"))) as seen:
        for _ in range(3):
            assert (await call(client, seen.url)).content == b"ok"
            await asyncio.sleep(0.02)

    assert seen.connections == 3


async def test_a_connection_that_was_idle_for_long_is_not_used_again(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(our_wire, "KEPT_SECONDS", 0.0)
    async with provider(always(http(200, b"ok"))) as seen:
        for _ in range(2):
            await call(client, seen.url)

    assert seen.connections == 2


async def test_calls_at_once_have_a_connection_each(client: httpx2.AsyncClient) -> None:
    async with provider(always(http(200, b"ok")[:10], http(200, b"ok")[10:])) as seen:
        answers = await asyncio.gather(*(call(client, seen.url) for _ in range(5)))

    assert [each.content for each in answers] == [b"ok"] * 5
    assert seen.connections == 5


async def test_an_endless_answer_is_cut(client: httpx2.AsyncClient) -> None:
    async with provider(answering(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1_000_000)) as seen:
        answer = await call(client, seen.url)

    assert our_wire.LONGEST_ANSWER < len(answer.content) < 1_000_000


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n", httpx2.RemoteProtocolError),
        (b"", httpx2.ReadError),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort", httpx2.ReadError),
    ],
)
async def test_half_an_answer_is_none(client: httpx2.AsyncClient, raw: bytes, error: type[Exception]) -> None:
    async with provider(answering(raw)) as seen:
        with pytest.raises(error):
            await call(client, seen.url)


async def test_nothing_is_written_when_nobody_listens_or_the_last_moment_says_no(client: httpx2.AsyncClient) -> None:
    class No(Exception):
        pass

    def refuse() -> None:
        raise No

    async with provider(always(http(200, b"ok"))) as seen:
        with pytest.raises(No):
            await client.post(seen.url, content=b"{}", extensions={"last_moment": refuse})
        assert (await call(client, seen.url)).content == b"ok"
    with pytest.raises(httpx2.ConnectError):
        await call(client, "http://127.0.0.1:9")


async def test_a_header_of_two_lines_is_refused_before_anything_is_written(client: httpx2.AsyncClient) -> None:
    async with provider(always(http(200, b"ok"))) as seen:
        with pytest.raises(httpx2.LocalProtocolError):
            await call(client, seen.url, authorization="Bearer x\r\nx-more: 1")

    assert seen.connections == 0


async def test_a_body_without_a_length_is_refused_before_anything_is_written(client: httpx2.AsyncClient) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"{}"

    async with provider(always(http(200, b"ok"))) as seen:
        with pytest.raises(httpx2.LocalProtocolError):
            await client.post(seen.url, content=parts(), extensions={"last_moment": lambda: None})

    assert seen.connections == 0


async def test_what_names_no_last_moment_goes_the_usual_way() -> None:
    usual = httpx2.MockTransport(lambda request: httpx2.Response(201))
    async with httpx2.AsyncClient(transport=Wire(usual)) as client:
        assert (await client.get("http://anywhere")).status_code == 201


def test_it_works_on_the_loop_the_worker_has() -> None:
    async def twice() -> tuple[list[int], int]:
        async with provider(always(http(200, b"ok"))) as seen, wired() as client:
            return [(await call(client, seen.url)).status_code for _ in range(2)], seen.connections

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(twice()) == ([200, 200], 1)
