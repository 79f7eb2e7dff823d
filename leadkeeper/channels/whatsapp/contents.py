"""What a message of each type says: text to read, a medium to fetch, details to show.

One small reader per type. `answerable` is True only where the text alone may be answered.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from leadkeeper.channels.base import JsonObject, Media
from leadkeeper.channels.storable import storable
from leadkeeper.channels.whatsapp.reading import listed, obj, prose, word

MEDIA_TYPES = ("image", "video", "document", "sticker", "audio", "voice")


@dataclass(frozen=True, slots=True)
class Content:
    """What one message says. `kind` is what the console shows it as."""

    kind: str
    text: str = ""
    answerable: bool = False
    media: Media | None = None
    phone: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


def content_of(message: JsonObject) -> Content:
    """The content of a message of any type; a type we do not know comes as kind `unknown`."""
    kind = word(message.get("type"), 32)
    reader = READERS.get(kind)
    if reader is not None:
        return reader(kind, message)
    guessed = next((name for name in READERS if isinstance(message.get(name), (Mapping, list))), None)
    if not kind and guessed:
        return READERS[guessed](guessed, message)
    return Content("unknown", details={"type": kind or "none"})


def _text(kind: str, message: JsonObject) -> Content:
    body = prose(obj(message.get("text")).get("body"))
    return Content("text", body, answerable=bool(body.strip()))


def _button(kind: str, message: JsonObject) -> Content:
    button = obj(message.get("button"))
    text, payload = prose(button.get("text")), prose(button.get("payload"))
    return Content("button", text or payload, answerable=bool((text or payload).strip()), details={"payload": payload})


def _interactive(kind: str, message: JsonObject) -> Content:
    interactive = obj(message.get("interactive"))
    kind = word(interactive.get("type"), 32)
    if kind == "nfm_reply" or "nfm_reply" in interactive:
        return _form(obj(interactive.get("nfm_reply")))
    for name in ("button_reply", "list_reply"):
        if name == kind or name in interactive:
            reply = obj(interactive.get(name))
            details = {"id": word(reply.get("id")), "description": prose(reply.get("description"))}
            text = prose(reply.get("title")) or details["id"]
            return Content(name, text, answerable=bool(text.strip()), details={k: v for k, v in details.items() if v})
    return Content("interactive", details={"type": kind or "none"})


def _form(reply: JsonObject) -> Content:
    """A Flow's answers: JSON inside a string, and not always an object."""
    given = reply.get("response_json")
    try:
        answers = storable(json.loads(given)) if isinstance(given, str) else given
    except (ValueError, RecursionError):
        answers = given
    asked = {key: value for key, value in obj(answers).items() if key != "flow_token" and isinstance(value, (str, int, float))}
    text = "\n".join(f"{key}: {value}" for key, value in asked.items())
    return Content("form", text, details={"name": word(reply.get("name")), "answers": answers, "body": prose(reply.get("body"))})


def _media(kind: str, message: JsonObject) -> Content:
    part = obj(message.get(kind))
    caption = prose(part.get("caption"))
    voice = kind == "voice" or part.get("voice") is True
    media = Media(
        provider_id=word(part.get("id"), 300) or None,
        mime_type=word(part.get("mime_type"), 100) or None,
        sha256=word(part.get("sha256"), 100) or None,
        filename=word(part.get("filename"), 255) or None,
        url=word(part.get("url"), 2_000) or None,
        voice=voice,
    )
    shown = "audio" if kind == "voice" else kind
    return Content(shown, caption, answerable=bool(caption.strip()), media=media, details={"voice": True} if voice else {})


def _location(kind: str, message: JsonObject) -> Content:
    place = obj(message.get("location"))
    names = ("latitude", "longitude", "name", "address", "url")
    details = {name: place[name] for name in names if isinstance(place.get(name), (str, int, float))}
    text = ", ".join(part for part in (word(place.get("name")), word(place.get("address"))) if part)
    return Content("location", text, details=details)


def _contacts(kind: str, message: JsonObject) -> Content:
    cards = [_card(card) for card in listed(message.get("contacts"))]
    own = prose(message.get("origin")).startswith("contact_request")
    numbers = [number for card in cards for number in card["phones"]]
    phone = numbers[0] if own and numbers else None
    text = "; ".join(card["name"] for card in cards if card["name"])
    return Content("contacts", text, phone=phone, details={"contacts": cards, **({"own": True} if own else {})})


def _card(card: JsonObject) -> dict[str, Any]:
    name = obj(card.get("name"))
    phones = [word(one.get("wa_id")) or word(one.get("phone")) for one in listed(card.get("phones"))]
    emails = [word(one.get("email")) for one in listed(card.get("emails"))]
    full = word(name.get("formatted_name")) or word(name.get("first_name"))
    return {"name": full, "phones": [one for one in phones if one], "emails": [one for one in emails if one]}


def _order(kind: str, message: JsonObject) -> Content:
    order = obj(message.get("order"))
    names = ("product_retailer_id", "quantity", "item_price", "currency")
    items = [{name: item.get(name) for name in names} for item in listed(order.get("product_items"))]
    return Content("order", prose(order.get("text")), details={"catalog": word(order.get("catalog_id")), "items": items})


def _unsupported(kind: str, message: JsonObject) -> Content:
    error = next(listed(message.get("errors")), {})
    reason = prose(obj(error.get("error_data")).get("details"), 500) or prose(error.get("title"), 500)
    return Content("unsupported", details={
        "code": word(error.get("code"), 32), "reason": reason, "type": word(obj(message.get(kind)).get("type"), 32),
    })  # fmt: skip


READERS: Mapping[str, Callable[[str, JsonObject], Content]] = {
    "text": _text,
    "button": _button,
    "interactive": _interactive,
    **dict.fromkeys(MEDIA_TYPES, _media),
    "location": _location,
    "contacts": _contacts,
    "order": _order,
    "unsupported": _unsupported,
}
