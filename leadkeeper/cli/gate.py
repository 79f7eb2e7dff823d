"""The door that is open from the first moment: requests wait a little, or get 503, until the app is there.

Loading the app takes about a second, a migration may take longer. Providers deliver again after a
503, never after a 404, so nobody who knows a path is told it does not exist.
"""

import asyncio
import contextlib
import json

from starlette.types import ASGIApp, Receive, Scope, Send

HOLD_SECONDS = 5.0
"""A request that comes while we start waits this long for the app before it is told to come back."""

ALIVE = "/healthz"
"""Answered at once: the process lives, whatever it is doing."""


class Gate:
    """A plain ASGI app in front of the real one."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None
        self._open = asyncio.Event()

    def open(self, app: ASGIApp) -> None:
        """Let everyone through to `app` from now on; those who wait too."""
        self._app = app
        self._open.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if self._app is None and scope.get("path") != ALIVE:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._open.wait(), HOLD_SECONDS)
        if self._app is not None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await _meanwhile(scope["path"], send)


async def _meanwhile(path: str, send: Send) -> None:
    alive = path == ALIVE
    answer = (
        {"ok": True, "product": "leadkeeper", "starting": True}
        if alive
        else {"ok": False, "error": "starting", "code": "starting"}
    )
    headers = [(b"content-type", b"application/json"), (b"retry-after", b"1"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200 if alive else 503, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})
