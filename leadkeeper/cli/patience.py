"""How long a caller may take to ask: who holds a connection open without a whole request is put out.

uvicorn's own limits begin after an answer; before it, one caller could take every connection by sending nothing, or
fill the memory with a header that never ends.
"""

import asyncio
import math

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0
"""From the first byte, or from the connection, to the end of the headers."""
BODY_SECONDS = 30.0
"""Between two pieces of a body."""
HEAD_BYTES = 64 * 1024
"""Request line and headers."""
LOOK_SECONDS = 2.0
"""How often a connection looks at its clock: one timer for all its requests."""


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a deadline for each part of a request."""

    head_seconds = HEAD_SECONDS
    body_seconds = BODY_SECONDS
    look_seconds = LOOK_SECONDS

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody has come: they have to ask soon."""
        super().connection_made(transport)
        self._head_bytes = 0
        self._in_head = True
        self._until = self.loop.time() + self.head_seconds
        self._timer = self.loop.call_later(self.look_seconds, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """They have gone."""
        self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A piece of a request."""
        if self._in_head:
            self._head_bytes += len(data)
        elif self._until != math.inf:
            self._until = self.loop.time() + self.body_seconds
        elif self.cycle.response_complete:
            self._expect_head()
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The headers are too large.")

    def on_message_begin(self) -> None:
        """The first byte of a request; the first one of a connection is timed from its beginning."""
        if not self._in_head:
            self._expect_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The body may come, a piece at a time."""
        self._in_head = False
        self._until = self.loop.time() + self.body_seconds
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The whole request is here: from now on it is we who take our time."""
        self._until = math.inf
        super().on_message_complete()

    def _expect_head(self) -> None:
        self._in_head, self._head_bytes = True, 0
        self._until = self.loop.time() + self.head_seconds

    def _look(self) -> None:
        if self.loop.time() >= self._until:
            self.transport.close()
        else:
            self._timer = self.loop.call_later(self.look_seconds, self._look)
