"""WhatsApp Cloud API, what goes out: one message, one attempt, one honest result."""

import re
from collections.abc import Callable
from typing import Any

import httpx2

from leadkeeper.channels.base import Intent, JsonObject, Refused, Rejected, SendResult, Unknown
from leadkeeper.channels.storable import storable, storable_text
from leadkeeper.channels.whatsapp import graph
from leadkeeper.channels.whatsapp.errors import result_of
from leadkeeper.channels.whatsapp.reading import is_bsuid, obj, word
from leadkeeper.channels.whatsapp.templates import template

TEXT_LIMIT = 4_096
CAPTION_LIMIT = 1_024
SENDABLE_MEDIA = ("image", "video", "audio", "document", "sticker")


async def send(http: httpx2.AsyncClient, intent: Intent, still_ours: Callable[[], bool]) -> SendResult:
    """Send one message, once. `still_ours` is asked when the connection stands and nothing is written yet.

    What cannot be sent at all (no address, empty or too long a text, a medium without link) is
    Rejected before anything leaves.
    """
    payload = payload_of(intent)
    if isinstance(payload, Rejected):
        return payload
    account = intent.account
    if not graph.has_token(account):
        return Rejected("no_token", "the account has no usable access token", "halt")
    outcome = await graph.post(http, account, f"{account.external_id}/messages", payload, intent.timeout, still_ours)
    if isinstance(outcome, graph.Unsent):
        return Refused("lease" if outcome.lease else outcome.reason, counts=not outcome.lease, down=not outcome.lease)
    if isinstance(outcome, graph.Lost):
        return Unknown(outcome.reason)
    return result_of(outcome, attempt_of(intent), account.credentials.get("token", ""))


def payload_of(intent: Intent) -> dict[str, Any] | Rejected:
    """The request's JSON, or why there can be none."""
    address = _address(intent.address)
    if address is None:
        return Rejected("address", f"not a WhatsApp address: {intent.address[:40]!r}")
    content = _content(intent)
    if isinstance(content, Rejected):
        return content
    payload: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **address,
        **content,
        "biz_opaque_callback_data": intent.token,
    }
    if intent.reply_to:
        payload["context"] = {"message_id": intent.reply_to}
    return dict(storable(payload))


def attempt_of(intent: Intent) -> int:
    """Which attempt this is, from 1: the second half of the token `<message id>.<attempt>`."""
    tail = intent.token.rpartition(".")[2]
    return max(int(tail), 1) if re.fullmatch(r"[0-9]{1,6}", tail) else 1


def _address(address: str) -> JsonObject | None:
    """`recipient` for a business-scoped id, `to` (digits only) for a phone number."""
    address = address.strip()
    if is_bsuid(address):
        return {"recipient": address}
    if not re.fullmatch(r"\+?[0-9 ().-]{5,40}", address):
        return None
    digits = re.sub(r"[^0-9]", "", address)
    return {"to": digits} if digits else None


def _content(intent: Intent) -> JsonObject | Rejected:
    if intent.template is not None:
        return {"type": "template", "template": template(intent.template)}
    if intent.media is not None:
        return _media(intent.kind, intent.media, intent.text)
    text = storable_text(intent.text)
    if not text.strip():
        return Rejected("empty", "a message without text")
    if len(text) > TEXT_LIMIT:
        return Rejected("too_long", f"{len(text)} characters; at most {TEXT_LIMIT} are taken")
    return {"type": "text", "text": {"body": text, "preview_url": False}}


def _media(kind: str, media: JsonObject, caption: str) -> JsonObject | Rejected:
    """A medium by public link, or by the id of an uploaded one; audio and stickers carry no caption."""
    if kind not in SENDABLE_MEDIA:
        return Rejected("media_kind", f"not a kind of medium WhatsApp takes: {kind[:40]!r}")
    link, provider_id = word(media.get("link"), 2_000), word(media.get("providerId"), 300)
    if not provider_id and not link.startswith(("https://", "http://")):
        return Rejected("media_link", "a medium needs a public link")
    part: dict[str, str] = {"id": provider_id} if provider_id else {"link": link}
    if caption.strip() and kind in ("image", "video", "document"):
        if len(caption) > CAPTION_LIMIT:
            return Rejected("too_long", f"a caption of {len(caption)} characters; at most {CAPTION_LIMIT} are taken")
        part["caption"] = caption
    filename = word(obj(media).get("filename"), 240)
    if kind == "document" and filename:
        part["filename"] = filename
    return {"type": kind, kind: part}
