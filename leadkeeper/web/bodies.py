"""How much a caller may send: counted while it comes in, whatever Content-Length says.

A refusal that goes out while the caller is still sending may never be read: the connection is cut under them. So what
is still coming is taken in and forgotten first, for a while.
"""

import asyncio
import contextlib

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Message, Receive, Scope

from leadkeeper.errors import TooLarge

LIMIT = 1_000_000
"""Bytes of a body where the route names no other limit."""
FORGOTTEN = 32_000_000
FORGOTTEN_SECONDS = 10.0
"""At most so much, and for so long, is taken in only to be forgotten."""

_KEY = "leadkeeper.body_limit"


class Body:
    """What comes in of one request."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        headers = Headers(scope=scope)
        scope[_KEY] = LIMIT
        self._scope = scope
        self._receive = receive
        self._size = 0
        self._coming = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        self._invited = "expect" not in headers

    async def receive(self) -> Message:
        """The next message. Raises TooLarge as soon as the body is over the limit in force."""
        message = await self._next()
        if self._size > self._scope[_KEY]:
            raise TooLarge(f"The body is larger than {self._scope[_KEY]} bytes.")
        return message

    async def forget(self) -> None:
        """Take in what is still coming. Whoever waits to be invited (`Expect: 100-continue`) is not."""
        if not self._coming or not self._invited:
            return
        most = self._size + FORGOTTEN
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FORGOTTEN_SECONDS):
                while self._coming and self._size < most:
                    await self._next()

    async def _next(self) -> Message:
        self._invited = True
        message = await self._receive()
        if message["type"] == "http.request":
            self._size += len(message.get("body", b""))
        self._coming = message["type"] == "http.request" and message.get("more_body", False)
        return message


def allow(request: Request, limit: int) -> None:
    """Set this route's limit. Raises TooLarge at once when Content-Length is over it."""
    request.scope[_KEY] = limit
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise TooLarge(f"The body is larger than {limit} bytes.")
