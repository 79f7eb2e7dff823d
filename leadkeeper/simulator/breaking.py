"""Answers that are none: the connection ends, hangs, breaks off, or carries a page.

Under the simulator's own server the connection is really cut (`serve` puts the means into the
request's scope). In process there is no connection, so what a client would have raised is raised.
"""

import json
from collections.abc import Mapping
from typing import Any

import httpx2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from leadkeeper.simulator.behaviour import Step

CUT = "leadkeeper.cut"
"""Scope entry: cut(hard: bool) ends the connection now."""

_PAGE = "<html><head><title>502</title></head><body><h1>Bad gateway</h1></body></html>"


async def broken(request: Request, step: Step, answer: Mapping[str, Any]) -> Response:
    """What a scripted fault leaves of an answer."""
    if step.mode == "html":
        return HTMLResponse(_PAGE, status_code=step.status or 502)
    if step.mode == "truncate":
        whole = json.dumps(answer).encode()
        return Response(whole[: len(whole) // 2], status_code=step.status or 200, media_type="application/json")
    if step.mode == "hang":
        await _until_gone(request)
    cut = request.scope.get(CUT)
    if cut is None:
        raise (
            httpx2.RemoteProtocolError("the server disconnected")
            if step.mode == "close"
            else httpx2.ReadError("connection reset")
        )
    cut(step.mode == "reset")
    return Response(status_code=499)  # nobody is there to read it


async def _until_gone(request: Request) -> None:
    """Never answer; ends when the caller has gone away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
