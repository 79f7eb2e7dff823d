"""How webhooks travel: over sockets of our own, or into an application in process.

A benchmark posts more than a thousand webhooks a second from the machine that takes them, so the
posting must cost little: a kept-alive HTTP/1.1 connection written by hand takes about a tenth of
a general client's time. Only the answer's status matters to a provider.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2

Post = Callable[[str, bytes, Mapping[str, str]], Awaitable[int]]
"""(url, body, headers) -> HTTP status; 0 when there was no answer."""

PATIENCE_SECONDS = 10.0
_HEAD_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class SocketPost:
    """Posts to http:// addresses over connections it keeps; https:// goes through `ClientPost`."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, int], deque[_Connection]] = {}
        self._client = ClientPost()

    async def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """The answer's status; 0 when there was none.

        A kept connection may have ended meanwhile; then it is tried once more on a new one. That may
        deliver twice, as providers do.
        """
        if not url.startswith("http://"):
            return await self._client(url, body, headers)
        parts = urlsplit(url)
        where = parts.hostname or "", parts.port or 80
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        raw = _request(path, parts.netloc, body, headers)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                connection = self._kept(where)
                if connection is not None:
                    status = await self._exchange(where, connection, raw)
                    if status:
                        return status
                return await self._exchange(where, await _open(where), raw)
        except (OSError, TimeoutError):
            return 0

    async def close(self) -> None:
        """Close every kept connection."""
        for connections in self._idle.values():
            for connection in connections:
                connection.writer.close()
        self._idle.clear()
        await self._client.close()

    def _kept(self, where: tuple[str, int]) -> _Connection | None:
        waiting = self._idle.get(where)
        while waiting:
            connection = waiting.pop()
            if not connection.writer.is_closing() and not connection.reader.at_eof():
                return connection
            connection.writer.close()
        return None

    async def _exchange(self, where: tuple[str, int], connection: _Connection, raw: bytes) -> int:
        keep = False
        try:
            connection.writer.write(raw)
            head = await connection.reader.readuntil(b"\r\n\r\n")
            status, length = _understood(head)
            if length is not None:
                await connection.reader.readexactly(length)
                keep = True
            return status
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            return 0
        finally:
            if keep:
                self._idle.setdefault(where, deque()).append(connection)
            else:
                connection.writer.close()


class ClientPost:
    """Posts with httpx2: over the network, or into an ASGI application when given a client of one."""

    def __init__(self, http: httpx2.AsyncClient | None = None) -> None:
        self._http = http
        self._own = http is None

    async def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """The answer's status; 0 when there was none."""
        if self._http is None:
            self._http = httpx2.AsyncClient(timeout=PATIENCE_SECONDS, trust_env=False)
        try:
            response = await self._http.post(url, content=body, headers=headers)
        except (httpx2.HTTPError, httpx2.InvalidURL):
            return 0
        return response.status_code

    async def close(self) -> None:
        """Close the client if it is our own."""
        if self._own and self._http is not None:
            await self._http.aclose()


async def _open(where: tuple[str, int]) -> _Connection:
    reader, writer = await asyncio.open_connection(*where, limit=_HEAD_LIMIT)
    return _Connection(reader, writer)


def _request(path: str, host: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"host: {host}", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _understood(head: bytes) -> tuple[int, int | None]:
    """(status, length of the body); the length is None when the connection cannot be kept."""
    first, *lines = head.decode("latin-1").split("\r\n")
    status = int(first.split(" ", 2)[1])
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    if fields.get("connection", "").lower() == "close" or "transfer-encoding" in fields:
        return status, None
    length = "0" if status in (204, 304) else fields.get("content-length", "")
    return status, int(length) if length.isdecimal() else None
