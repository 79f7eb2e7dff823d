"""Our own chat on the business's website. Sending is storing: the visitor's page reads it from our rows."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx2

from leadkeeper.channels.base import (
    Accepted,
    Capabilities,
    Event,
    Identity,
    Inbound,
    Intent,
    JsonObject,
    Received,
    SendResult,
    channels,
)
from leadkeeper.channels.storable import storable_text

ACCOUNT = "webchat"
LONGEST = 4000
LONGEST_SESSION = 180
"""Characters of a session id: it is the sender of its events, as long as that column takes."""
LONGEST_ID = 100
"""Characters of a client's message id that are kept as they are."""
OLDEST = datetime(2001, 1, 1, tzinfo=UTC)
"""No browser's clock is believed that says an earlier time."""


class WebChat:
    """The widget's channel: no window, no templates, delivered when stored."""

    name = "webchat"
    capabilities = Capabilities(text_limit=LONGEST, window=None, templates=False, receipts=False, media=False)

    def receive(self, body: JsonObject) -> Received:
        """One message of a visitor: {sessionId, message, name?, email?, timestamp?, clientMessageId?}."""
        visitor = _text(body.get("sessionId"), LONGEST_SESSION)
        text = _text(body.get("message"), LONGEST)
        if not visitor or not text:
            return Received(notes=["sessionId and message are needed"])
        payload = {
            "sessionId": visitor,
            "text": text,
            "name": _text(body.get("name"), 200),
            "email": _text(body.get("email"), 320),
        }
        event = Event(ACCOUNT, external_id(body, visitor, text), "message", visitor, payload, _moment(body.get("timestamp")))
        return Received(events=[event])

    def parse(self, kind: str, payload: JsonObject) -> Inbound:
        """A visitor's message is text."""
        return Inbound(
            kind="text",
            text=str(payload.get("text", "")),
            identities=[Identity(str(payload.get("sessionId", "")), "visitor")],
            name=payload.get("name") or None,
            email=payload.get("email") or None,
        )

    def action_of(self, code: str | None) -> str:
        """Nothing is ever refused here."""
        return "fail"

    async def send(self, http: httpx2.AsyncClient, intent: Intent, still_ours: Callable[[], bool]) -> SendResult:
        """Nothing leaves this machine: the visitor's stream reads the message."""
        return Accepted(f"chat:{intent.message_id}")


def external_id(body: JsonObject, visitor: str, text: str) -> str:
    """The client's own message id, else a hash of visitor, text and timestamp.

    Without either there is nothing to recognise a repeat by: the entrance gives such a message an id of its own.
    """
    client = client_id(body)
    if client:
        return f"chat:{visitor}:{client}"
    digest = hashlib.sha256(f"{visitor}\0{text}\0{body.get('timestamp')}".encode("utf-8", "replace")).hexdigest()
    return f"chat:{visitor}:{digest[:40]}"


def client_id(body: JsonObject) -> str:
    """The client's own id of the message, a number as its digits, a long one as its hash; empty where it gave none."""
    given = body.get("clientMessageId")
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given)
    named = _text(given, 4_000)
    return named if len(named) <= LONGEST_ID else f"hash:{hashlib.sha256(named.encode()).hexdigest()}"


def _text(value: Any, limit: int) -> str:
    return storable_text(value, limit).strip() if isinstance(value, str) else ""


def _moment(value: Any) -> datetime | None:
    """ISO text, or seconds or milliseconds since 1970, in UTC; anything else, and what cannot be, is no time."""
    try:
        moment = _told(value)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment is not None and moment > OLDEST else None


def _told(value: Any) -> datetime | None:
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
    return None


channels.add(WebChat.name, WebChat())
