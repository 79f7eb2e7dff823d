"""Who connects and does not ask is put out; who asks slowly but steadily is served."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from leadkeeper.cli.patience import HEAD_BYTES, PatientProtocol
from tests.web.serving import served

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\n"


class Hasty(PatientProtocol):
    """The same with less patience."""

    head_seconds = 0.4
    body_seconds = 0.4
    look_seconds = 0.05


class Caller:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def says(self, *pieces: bytes, every: float = 0.0) -> None:
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(every)

    async def hears(self) -> bytes:
        """The next answer."""
        async with asyncio.timeout(20):
            head = await self.reader.readuntil(b"\r\n\r\n")
            return head + await self.reader.read(100)

    async def leaves(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()

    async def is_put_out(self) -> bool:
        """True once the connection is closed from the other side."""
        async with asyncio.timeout(20):
            try:
                return await self.reader.read() is not None
            except ConnectionError:
                return True


Connect = Callable[[], Awaitable[Caller]]


async def answer(request: Request) -> Response:
    await asyncio.sleep(float(request.query_params.get("takes", "0")))
    return PlainTextResponse((await request.body()).decode() or "yes")


@pytest.fixture
async def call() -> AsyncIterator[Connect]:
    """Connects to a server of our protocol."""
    app = Starlette(routes=[Route("/", answer, methods=["GET", "POST"])])
    callers: list[Caller] = []
    async with served(app, Hasty) as port:

        async def connect() -> Caller:
            callers.append(Caller(*await asyncio.open_connection("127.0.0.1", port)))
            return callers[-1]

        yield connect
        for each in callers:
            await each.leaves()


@pytest.mark.parametrize(
    "said",
    [
        [],
        [b"GET / HTTP/1.1\r\nhost: x\r\n"],
        [b"\r\n"] * 60,
        [b"x-%d: y\r\n" % number if number else b"GET / HTTP/1.1\r\n" for number in range(60)],
        [POST, b"abc"],
        [GET, b"\r\n"],
        [GET, b"GET / HTT"],
    ],
    ids=["nothing", "half a head", "blank lines", "headers without end", "half a body", "blank after", "half a second head"],
)
async def test_who_does_not_finish_asking_is_put_out(call: Connect, said: list[bytes]) -> None:
    caller = await call()

    try:
        await caller.says(*said, every=0.05)
    except ConnectionError:
        return

    assert await caller.is_put_out()


async def test_a_head_without_end_is_refused(call: Connect) -> None:
    caller = await call()

    await caller.says(b"GET / HTTP/1.1\r\nx: " + b"y" * (HEAD_BYTES + 1))

    assert b"400" in (await caller.hears()).split(b"\r\n")[0]


async def test_a_steady_body_and_a_long_answer_are_waited_for(call: Connect) -> None:
    slow = await call()
    await slow.says(POST, *[b"%d" % number for number in range(6)], every=0.2)
    long = await call()
    await long.says(GET.replace(b"GET /", b"GET /?takes=1"))

    assert (await slow.hears()).endswith(b"012345")
    assert (await long.hears()).endswith(b"yes")


async def test_one_connection_asks_again_and_again(call: Connect) -> None:
    caller = await call()

    answers = []
    for _ in range(3):
        await caller.says(POST, b"abcdef")
        answers.append(await caller.hears())
        await asyncio.sleep(0.2)

    assert all(each.endswith(b"abcdef") for each in answers)
