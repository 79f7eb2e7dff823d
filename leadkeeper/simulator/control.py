"""/sim: customers who write, scripts, behaviour, the log. Open to whoever reaches the port: loopback only."""

import base64
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from leadkeeper.errors import Invalid
from leadkeeper.simulator.behaviour import behaviour_from, camel, step_from
from leadkeeper.simulator.customers import write
from leadkeeper.simulator.media import SimMedia
from leadkeeper.simulator.state import EVERYBODY, SimAccount, Simulator

_ACCOUNT_FIELDS = {camel(name): name for name in SimAccount.__slots__}


async def accounts(request: Request) -> Response:
    """POST /sim/accounts {phoneNumberId, token, appSecret, target, ...}: connect a number, or change it."""
    simulator, given = _simulator(request), await _body(request)
    unknown = set(given) - set(_ACCOUNT_FIELDS)
    if unknown or not all(isinstance(value, str) for value in given.values()):
        raise Invalid("not an account", dict.fromkeys(unknown, "unknown") or {"account": "every field is a text"})
    for name in ("phoneNumberId", "token", "appSecret"):
        if not given.get(name):
            raise Invalid("not an account", {name: "is needed"})
    simulator.connect(SimAccount(**{_ACCOUNT_FIELDS[name]: value for name, value in given.items()}))
    return JSONResponse({"ok": True})


async def script(request: Request) -> Response:
    """POST /sim/script {to, steps: [...]} or {to, ...one step}: what the next calls to a recipient meet."""
    simulator, given = _simulator(request), await _body(request)
    recipient = str(given.pop("to", EVERYBODY))
    steps = given.pop("steps", None)
    given_steps = [given] if steps is None else steps
    if not isinstance(given_steps, list) or not all(isinstance(one, dict) for one in given_steps):
        raise Invalid("not a list of steps", {"steps": "a list of objects"})
    simulator.script(recipient, [step_from(one) for one in given_steps])
    return JSONResponse({"ok": True})


async def behaviour(request: Request) -> Response:
    """POST /sim/behaviour {...}: change how it behaves to everybody; answers with all of it."""
    simulator, given = _simulator(request), await _body(request)
    simulator.behaviour = behaviour_from(simulator.behaviour, given)
    return JSONResponse({camel(name): getattr(simulator.behaviour, name) for name in simulator.behaviour.__slots__})


async def inbound(request: Request) -> Response:
    """POST /sim/inbound: customers write; see `customers.write` for what may be asked."""
    return JSONResponse(await write(_simulator(request), await _body(request)))


async def media(request: Request) -> Response:
    """POST /sim/media {content (base64), mimeType, deadUrls?, wrongHash?, redirectTo?} -> {id}."""
    simulator, given = _simulator(request), await _body(request)
    try:
        content = base64.b64decode(str(given.get("content", "")), validate=True)
        medium = SimMedia(
            id=simulator.new_id("90"),
            content=content,
            mime_type=str(given.get("mimeType", "application/octet-stream")),
            dead_urls=int(given.get("deadUrls", 0)),
            wrong_hash=bool(given.get("wrongHash", False)),
            redirect_to=str(given.get("redirectTo", "")),
        )
    except (ValueError, TypeError) as problem:
        raise Invalid("not a medium", {"content": str(problem)}) from problem
    simulator.media[medium.id] = medium
    return JSONResponse({"id": medium.id, "sha256": medium.sha256})


async def log(request: Request) -> Response:
    """GET /sim/log?after=&kind=&to=&limit=: entries oldest first, with all counts and what is still under way."""
    simulator, query = _simulator(request), request.query_params
    try:
        after, limit = int(query.get("after", 0)), int(query.get("limit", 1_000))
    except ValueError as problem:
        raise Invalid("not a number", {"after": "a number", "limit": "a number"}) from problem
    entries = simulator.log.entries(after, query.get("kind"), query.get("to"), limit)
    return JSONResponse({"entries": entries, **simulator.log.counts(), "pending": simulator.deliverer.pending})


async def counts(request: Request) -> Response:
    """GET /sim/counts: the counts alone. ?token= adds how often that token was called and taken."""
    simulator, token = _simulator(request), request.query_params.get("token")
    shape: dict[str, Any] = {**simulator.log.counts(), "pending": simulator.deliverer.pending}
    if token is not None:
        shape |= {"called": simulator.log.calls[token], "takenOfToken": simulator.log.taken[token]}
    return JSONResponse(shape)


async def calls(request: Request) -> Response:
    """GET /sim/calls: how often each token of each number was called, for `leadkeeper audit --log`."""
    simulator = _simulator(request)
    return JSONResponse({number: simulator.log.heard_of(number) for number in simulator.accounts})


async def reset(request: Request) -> Response:
    """POST /sim/reset: forget scripts, log, chats and behaviour."""
    _simulator(request).reset()
    return JSONResponse({"ok": True})


def _simulator(request: Request) -> Simulator:
    simulator: Simulator = request.app.state.simulator
    return simulator


async def _body(request: Request) -> dict[str, Any]:
    try:
        given = await request.json()
    except ValueError as problem:
        raise Invalid("not JSON", {"body": "a JSON object"}) from problem
    if not isinstance(given, dict):
        raise Invalid("not an object", {"body": "a JSON object"})
    return given
