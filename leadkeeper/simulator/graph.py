"""The provider's own routes: messages, numbers and media under /v<N>, checked as strictly as the real ones."""

import asyncio
import hmac
import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from leadkeeper import clock
from leadkeeper.channels.whatsapp.reading import is_bsuid, obj, prose, word
from leadkeeper.simulator import payloads
from leadkeeper.simulator.behaviour import Step
from leadkeeper.simulator.breaking import broken
from leadkeeper.simulator.checks import Fault, check
from leadkeeper.simulator.media import describe, download
from leadkeeper.simulator.state import Bubble, SimAccount, Simulator

_AUTH = Fault(401, 190, "Invalid OAuth access token")
_NO_OBJECT = Fault(400, 100, "Unsupported request: the object does not exist or may not be seen", subcode=33)
_CLOSED = Fault(400, 131047, "Re-engagement message: more than 24 hours have passed since the customer last replied")


async def send_message(request: Request) -> Response:
    """POST /v<N>/<phone_number_id>/messages"""
    simulator: Simulator = request.app.state.simulator
    account = simulator.accounts.get(request.path_params["object"])
    raw = await request.body()
    if account is None:
        return error(_NO_OBJECT)
    if not _authorized(request, account):
        simulator.log.totals["unauthorized"] += 1
        return error(_AUTH)
    try:
        body = json.loads(raw)
    except ValueError:
        return error(Fault(400, 100, "Invalid JSON"))
    fault = check(body)
    if fault is not None:
        simulator.log.add("send", account=account.phone_number_id, outcome="fault", code=fault.code, details=fault.details)
        return error(fault)
    return await _take(request, simulator, account, body)


async def look_up(request: Request) -> Response:
    """GET /v<N>/<id>: a phone number or a medium."""
    simulator: Simulator = request.app.state.simulator
    name = request.path_params["object"]
    account, medium = simulator.accounts.get(name), simulator.media.get(name)
    accounts = [account] if account is not None else list(simulator.accounts.values())
    if not any(_authorized(request, one) for one in accounts):
        return error(_AUTH)
    if medium is not None:
        return describe(request, medium)
    if account is None:
        return error(_NO_OBJECT)
    return JSONResponse({
        "display_phone_number": account.display_number,
        "verified_name": account.name,
        "quality_rating": "GREEN",
        "throughput": {"level": "HIGH"},
        "id": account.phone_number_id,
    })  # fmt: skip


async def calls(request: Request) -> Response:
    """GET /sim-calls/<phone_number_id>: how often each token of this number was called."""
    simulator: Simulator = request.app.state.simulator
    account = simulator.accounts.get(request.path_params["object"])
    if account is None or not _authorized(request, account):
        return error(_AUTH)
    return JSONResponse({account.phone_number_id: simulator.log.heard_of(account.phone_number_id)})


async def media_bytes(request: Request) -> Response:
    """GET /sim-media/<id>/<secret>/<number>: the address a medium was given."""
    simulator: Simulator = request.app.state.simulator
    simulator.log.add("media", id=request.path_params["object"], authorized="authorization" in request.headers)
    if not any(_authorized(request, one) for one in simulator.accounts.values()):
        return Response(status_code=401)
    return download(request, simulator.media.get(request.path_params["object"]))


def error(fault: Fault) -> JSONResponse:
    """An error body as the Graph API writes it."""
    shape: dict[str, Any] = {
        "message": f"(#{fault.code}) {fault.message}",
        "type": "OAuthException",
        "code": fault.code,
        "error_data": {"messaging_product": "whatsapp", "details": fault.details or fault.message},
        "fbtrace_id": "Asimulated",
    }
    if fault.subcode:
        shape["error_subcode"] = fault.subcode
    if fault.transient is not None:
        shape["is_transient"] = fault.transient
    headers = {"retry-after": str(fault.retry_after)} if fault.retry_after else None
    return JSONResponse({"error": shape}, status_code=fault.status, headers=headers)


def _authorized(request: Request, account: SimAccount) -> bool:
    given = request.headers.get("authorization", "").encode()
    return hmac.compare_digest(given, f"Bearer {account.token}".encode())


async def _take(request: Request, simulator: Simulator, account: SimAccount, body: Mapping[str, Any]) -> Response:
    recipient = word(body.get("to")) or word(body.get("recipient"))
    token = word(body.get("biz_opaque_callback_data"), 512)
    step = simulator.next_step(recipient)
    if token:
        simulator.log.call(token)
        simulator.log.hear(account.phone_number_id, token)
    latency = step.latency_ms or simulator.behaviour.latency_ms
    if latency:
        await asyncio.sleep(latency / 1_000)
    if step.mode == "answer" and body.get("type") != "template" and _window_closed(simulator, account, recipient):
        _note(simulator, account, body, recipient, token, None, "refused")
        return error(_CLOSED)
    wamid = None
    if step.takes:
        wamid = simulator.new_id()
        await _accept(simulator, account, body, recipient, token, wamid, step)
    _note(simulator, account, body, recipient, token, wamid, step.mode)
    if step.mode == "answer":
        return JSONResponse(_answer(recipient, wamid))
    if step.mode == "error":
        return error(_scripted(step))
    return await broken(request, step, _answer(recipient, wamid))


async def _accept(
    simulator: Simulator, account: SimAccount, body: Mapping[str, Any], recipient: str, token: str, wamid: str, step: Step
) -> None:
    """The message reaches its recipient, and its statuses set out."""
    if token:
        simulator.log.take(token)
    now = clock.now().timestamp()
    simulator.bubble(account.phone_number_id, recipient, Bubble(False, word(body.get("type")), shown(body), now, wamid))
    behaviour = simulator.behaviour
    words = behaviour.statuses if step.statuses is None else step.statuses
    statuses = [payloads.status(wamid, one, recipient, token or None, step.fail_code) for one in words]
    if statuses and behaviour.before_response:
        first = statuses.pop(0)
        await simulator.deliverer.now(account, payloads.envelope(account, payloads.statuses_value(account, [first])))
    if statuses:
        delay = behaviour.status_delay_ms if step.status_delay_ms is None else step.status_delay_ms
        simulator.deliverer.statuses(account, statuses, delay)


def _window_closed(simulator: Simulator, account: SimAccount, recipient: str) -> bool:
    hours = simulator.behaviour.window_hours
    if not hours:
        return False
    last = simulator.last_inbound.get((account.phone_number_id, recipient), 0.0)
    return clock.now().timestamp() - last > hours * 3_600


def _note(
    simulator: Simulator,
    account: SimAccount,
    body: Mapping[str, Any],
    recipient: str,
    token: str,
    wamid: str | None,
    outcome: str,
) -> None:
    simulator.log.totals["taken" if wamid else "notTaken"] += 1
    simulator.log.add(
        "send",
        account=account.phone_number_id,
        to=recipient,
        token=token,
        type=word(body.get("type")),
        text=shown(body)[:1_000],
        wamid=wamid,
        outcome=outcome,
    )


def shown(body: Mapping[str, Any]) -> str:
    """What a customer reads of a message of ours."""
    kind = word(body.get("type"))
    part = obj(body.get(kind))
    if kind == "text":
        return prose(part.get("body"))
    if kind == "template":
        texts = [
            prose(obj(one).get("text"))
            for component in part.get("components", [])
            for one in obj(component).get("parameters", [])
        ]
        return " · ".join([word(part.get("name")), *filter(None, texts)])
    return prose(part.get("caption")) or f"[{kind}]"


def _answer(recipient: str, wamid: str | None) -> dict[str, Any]:
    contact = {"input": recipient, "user_id" if is_bsuid(recipient) else "wa_id": recipient}
    return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [{"id": wamid}]}


def _scripted(step: Step) -> Fault:
    code = 131000 if step.code is None else step.code
    status = step.status or (500 if code in (1, 2, 131000, 131016) else 400)
    message = step.message or f"simulated error {code}"
    return Fault(status, code, message, step.details, step.subcode, step.transient, step.retry_after)
