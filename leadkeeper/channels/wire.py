"""Calls to a provider over kept HTTP/1.1 connections: what is written, and when, is decided here and nowhere else.

A transport of httpx2's client. It takes the requests that name their `last_moment` (a send: short, one
answer, never repeated) and hands every other to the usual transport. A send through httpcore2 and h11
costs 0.7 ms of processor time, through this 0.1 (docs/decisions/0018): a third of what a conversation costs.

Before the first byte leaves, the connection is up, its TLS done, and `last_moment()` has been asked; so an
error before it means that nothing was sent. Head and body are one write.
"""

import asyncio
import ssl
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any, cast

import httptools
import httpx2

from leadkeeper import clock

KEPT_SECONDS = 5.0
"""A connection that was idle for longer is not used again: the provider may be closing it."""
KEPT = 50
"""Idle connections kept for one provider."""
LONGEST_ANSWER = 256 * 1024
"""Bytes; what comes after is not read and its connection given up."""

LastMoment = Callable[[], None]
_Origin = tuple[str, str, int]
_FORBIDDEN = (b"\r", b"\n", b"\0")


class Wire(httpx2.AsyncBaseTransport):
    """One event loop's connections. `usual` carries requests without a `last_moment`."""

    def __init__(self, usual: httpx2.AsyncBaseTransport) -> None:
        self._usual = usual
        self._idle: defaultdict[_Origin, deque[_Connection]] = defaultdict(deque)
        self._tls: ssl.SSLContext | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send once and read the whole answer. Raises ConnectError (nothing was written), ReadError or
        RemoteProtocolError (something was), and whatever `last_moment` raises."""
        last_moment: LastMoment | None = request.extensions.get("last_moment")
        if last_moment is None:
            return await self._usual.handle_async_request(request)
        head = _head(request)
        origin = _origin(request.url)
        connection = self._take(origin) or await self._connect(origin)
        try:
            last_moment()
            body = b"".join([bytes(chunk) async for chunk in request.stream])  # type: ignore[union-attr]
            status, headers, answer = await connection.exchange(head + body)
        except BaseException:
            connection.abort()
            raise
        self._keep(origin, connection)
        return httpx2.Response(status, headers=headers, stream=httpx2.ByteStream(answer))

    async def aclose(self) -> None:
        """Close every idle connection, and the usual transport."""
        for connections in self._idle.values():
            for connection in connections:
                connection.abort()
        self._idle.clear()
        await self._usual.aclose()

    def _take(self, origin: _Origin) -> "_Connection | None":
        waiting = self._idle[origin]
        while waiting:
            connection = waiting.pop()  # the one used last
            if connection.is_usable():
                return connection
            connection.abort()
        return None

    def _keep(self, origin: _Origin, connection: "_Connection") -> None:
        waiting = self._idle[origin]
        if not connection.is_usable() or len(waiting) >= KEPT:
            connection.abort()
            return
        waiting.append(connection)
        while waiting and not waiting[0].is_usable():
            waiting.popleft().abort()

    async def _connect(self, origin: _Origin) -> "_Connection":
        scheme, host, port = origin
        loop = asyncio.get_running_loop()
        try:
            if scheme == "https" and self._tls is None:
                self._tls = await loop.run_in_executor(None, httpx2.create_ssl_context)
            tls = self._tls if scheme == "https" else None
            _, connection = await loop.create_connection(_Connection, host, port, ssl=tls)
        except (OSError, ssl.SSLError) as error:
            raise httpx2.ConnectError(str(error)) from error
        return connection


class _Connection(asyncio.Protocol):
    """One connection; one exchange at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: _Answer | None = None
        self._since = clock.monotonic()
        self._open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is up, TLS done."""
        self._transport, self._open = cast(asyncio.Transport, transport), True  # uvloop's are none by class

    def data_received(self, data: bytes) -> None:
        """Part of an answer; what nobody has asked for ends the connection."""
        if self._answer is None:
            self.abort()
        else:
            self._answer.feed(data)

    def eof_received(self) -> bool:
        """The other side writes no more: an answer without a length is whole now."""
        self._open = False
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone."""
        self._open = False
        if self._answer is not None:
            self._answer.cut(error)

    def is_usable(self) -> bool:
        """True when another request may be written."""
        return self._open and self._answer is None and clock.monotonic() - self._since < KEPT_SECONDS

    def abort(self) -> None:
        """Close at once."""
        self._open = False
        if self._transport is not None:
            self._transport.abort()

    async def exchange(self, request: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        """Write a request and wait for (status, headers, body). Raises ReadError or RemoteProtocolError."""
        assert self._transport is not None  # noqa: S101 - connected by whoever made it
        answer = self._answer = _Answer()
        self._transport.write(request)
        found = await answer.done
        self._answer, self._since = None, clock.monotonic()
        self._open = self._open and answer.may_go_on
        return found


class _Answer:
    """One HTTP answer being read; httptools calls the `on_` methods."""

    def __init__(self) -> None:
        self.done: asyncio.Future[tuple[int, list[tuple[bytes, bytes]], bytes]] = asyncio.get_running_loop().create_future()
        self.may_go_on = False
        self._parser: Any = httptools.HttpResponseParser(self)
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = bytearray()
        self._status = 0
        self._until_end = False
        self._unasked = False

    def feed(self, data: bytes) -> None:
        """Read on. An answer that is no HTTP ends the wait."""
        if self.done.done():
            self.may_go_on = False
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(httpx2.RemoteProtocolError(f"the provider's answer is no HTTP: {error}"))

    def cut(self, error: Exception | None) -> None:
        """The connection ended: the answer too, if its end was to be the connection's."""
        self.may_go_on = False
        if self._until_end and error is None:
            self._end()
        self._fail(httpx2.ReadError(str(error) if error is not None else "the provider closed the connection without an answer"))

    def on_message_begin(self) -> None:
        """Another answer: the one before was only informational, or nobody has asked for this one."""
        if self.done.done():
            self._unasked, self.may_go_on = True, False
        self._headers, self._body = [], bytearray()

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The status is known; without length and chunks the body lasts as long as the connection."""
        self._status = self._parser.get_status_code()
        names = {name.lower() for name, _ in self._headers}
        framed = not names.isdisjoint((b"content-length", b"transfer-encoding"))
        self._until_end = not framed and self._status not in (204, 304) and self._status >= 200

    def on_body(self, body: bytes) -> None:
        """Part of the body."""
        self._body += body
        if len(self._body) > LONGEST_ANSWER:
            self._end()

    def on_message_complete(self) -> None:
        """Whole; 1xx say only that there is more to come."""
        if self._status >= 200:
            self.may_go_on = bool(self._parser.should_keep_alive()) and not self._unasked
            self._end()

    def _end(self) -> None:
        if not self.done.done():
            self.done.set_result((self._status, self._headers, bytes(self._body)))

    def _fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


def _origin(url: httpx2.URL) -> _Origin:
    return url.scheme, url.host, url.port or (443 if url.scheme == "https" else 80)


def _head(request: httpx2.Request) -> bytes:
    """Request line and headers. Raises LocalProtocolError where one of them would be more than one line, or
    where the body's length is not told: it leaves as one piece."""
    if "content-length" not in request.headers:
        raise httpx2.LocalProtocolError("a request on the wire tells its length")
    lines = [request.method.encode("ascii") + b" " + request.url.raw_path + b" HTTP/1.1"]
    lines += [name + b": " + value for name, value in request.headers.raw]
    if any(sign in line for line in lines for sign in _FORBIDDEN):
        raise httpx2.LocalProtocolError("a header of the request has a line break")
    return b"\r\n".join(lines) + b"\r\n\r\n"
