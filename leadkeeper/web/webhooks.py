"""What providers call: verify the raw bytes, store, then 200. Nothing else happens before the answer.

Signed content we cannot read is stored as it is and answered 200: the provider would repeat it for
days. A database that cannot be written, and a disk that is nearly full, answers 503: the provider's
repetition is our second chance.
"""

import json
import uuid
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from leadkeeper.channels.base import Event, Received, channels
from leadkeeper.channels.webchat import LONGEST, LONGEST_SESSION, client_id
from leadkeeper.channels.whatsapp.webhook import challenge, verify
from leadkeeper.crashpoints import point
from leadkeeper.crm import visitors
from leadkeeper.crm.accounts import Account
from leadkeeper.crm.inbound import Arrival, Delivery, accept
from leadkeeper.errors import BadSignature, Forbidden, Invalid
from leadkeeper.web import chat_limits
from leadkeeper.web.access import Access
from leadkeeper.web.json_body import json_object
from leadkeeper.web.routes import hook

WHATSAPP_LIMIT = 4_000_000
"""Bytes; Meta sends up to 3 MB."""


@hook("/api/webhooks/whatsapp", method="GET", access=Access.WEBHOOK, name="whatsapp_challenge")
async def whatsapp_challenge(request: Request) -> Response:
    """The subscription's question: the challenge as plain text, or 403."""
    query = request.query_params
    if not {"hub.mode", "hub.verify_token", "hub.challenge"} <= set(query):
        raise Invalid("hub.mode, hub.verify_token and hub.challenge are needed")
    known = await request.state.site.doors.of("whatsapp")
    answer = challenge(query, [account.credentials.get("verify_token", "") for account in known])
    if answer is None:
        raise Forbidden("the verify token does not match")
    return PlainTextResponse(answer)


@hook("/api/webhooks/whatsapp", method="POST", access=Access.WEBHOOK, name="whatsapp", limit=WHATSAPP_LIMIT)
async def whatsapp(request: Request) -> Response:
    """A delivery: messages, echoes and notices become events with their jobs, statuses one job."""
    body = await request.body()
    trusted = _signers(await request.state.site.doors.of("whatsapp"), request, body)
    delivery = taken_apart("whatsapp", body, trusted)
    request.state.site.room.require()
    point("ingest.verified")
    await request.state.db.write_batch(accept, delivery)
    point("ingest.committed")
    return JSONResponse({"success": True})


@hook("/api/webhooks/webchat", method="POST", access=Access.WEBHOOK, name="webchat", limit=64_000)
async def webchat(request: Request) -> Response:
    """A visitor's message. The token that reads the conversation is given to whoever opened it."""
    body = await json_object(request)
    _check_chat(body)
    request.state.site.room.require()
    visitor = str(body["sessionId"]).strip()
    chat_limits.count(request, visitor)
    if not client_id(body) and body.get("timestamp") in (None, ""):
        body["clientMessageId"] = uuid.uuid4().hex
    (event,) = channels.get("webchat").receive(body).events
    account_id = await request.state.site.chat_account()
    arrival = Arrival(account_id, event.external_id, event.kind, event.sender, event.payload, event.occurred_at)
    delivery = Delivery(channel="webchat", body=await request.body(), arrivals=[arrival])
    entered = visitors.Entering(account_id, visitor, str(body.get("visitorToken") or ""))
    token = await request.state.db.write(visitors.enter, request.state.box, entered)
    await request.state.db.write_batch(accept, delivery)
    return JSONResponse({"success": True, "messageId": event.external_id, "visitorToken": token})


def taken_apart(channel: str, body: bytes, trusted: Sequence[Account]) -> Delivery:
    """A verified delivery with its events routed to the accounts whose secret signed it. Never raises."""
    try:
        read = json.loads(body)
    except (ValueError, RecursionError) as error:
        return Delivery(channel, body, note=f"not JSON: {error}"[:300])
    received = channels.get(channel).receive(read) if isinstance(read, dict) else Received(notes=["not an object"])
    by_id = {account.external_id: [account.id] for account in trusted}
    everybody = [account.id for account in trusted]
    routes = [(event, everybody if event.whole else by_id.get(event.account, [])) for event in received.events]
    routed = [_arrival(event, account_id) for event, ids in routes for account_id in ids]
    named = [*(event.account for event, ids in routes if not ids), *(status.account for status in received.statuses)]
    strangers = sorted({account for account in named if account not in by_id})
    statuses = sum(status.account in by_id for status in received.statuses)
    note = "; ".join(received.notes)[:500] or None
    return Delivery(channel, body, routed, statuses, everybody, unrouted=", ".join(strangers)[:200] or None, note=note)


def _signers(known: Sequence[Account], request: Request, body: bytes) -> list[Account]:
    """The accounts whose app secret signed these bytes. Raises BadSignature when there is none."""
    good: dict[str, bool] = {}
    for secret in {account.credentials.get("app_secret", "") for account in known}:
        try:
            verify(secret.encode(), request.headers, body)
            good[secret] = True
        except BadSignature:
            good[secret] = False
    signers = [account for account in known if good[account.credentials.get("app_secret", "")]]
    if not signers:
        raise BadSignature("whatsapp")
    return signers


def _arrival(event: Event, account_id: int) -> Arrival:
    return Arrival(account_id, event.external_id, event.kind, event.sender, event.payload, event.occurred_at)


def _check_chat(body: dict[str, Any]) -> None:
    wrong = {}
    for name, limit in (("sessionId", LONGEST_SESSION), ("message", LONGEST)):
        value = body.get(name)
        if not isinstance(value, str) or not value.strip():
            wrong[name] = "is needed"
        elif len(value) > limit:
            wrong[name] = f"is longer than {limit} characters"
    if wrong:
        raise Invalid("the message was not taken", wrong)
