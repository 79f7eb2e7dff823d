"""What the provider refuses at once: the shape of a message, as its reference page has it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leadkeeper.channels.whatsapp.reading import is_bsuid, listed, obj

_KINDS = ("text", "template", "image", "video", "audio", "document", "sticker", "reaction", "interactive", "location", "contacts")
_BAD_PARAMETER = re.compile(r"[\n\t]| {5}")
_TEXT_LIMIT, _TOKEN_LIMIT = 4_096, 512


@dataclass(frozen=True, slots=True)
class Fault:
    """An error answer: HTTP status, the provider's code and words."""

    status: int
    code: int
    message: str
    details: str = ""
    subcode: int | None = None
    transient: bool | None = None
    retry_after: int | None = None


def check(body: object) -> Fault | None:
    """Why a message is refused at once, or None."""
    if not isinstance(body, Mapping) or body.get("messaging_product") != "whatsapp":
        return Fault(400, 100, "The parameter messaging_product is required")
    kind = body.get("type", "text")
    if kind not in _KINDS:
        return Fault(400, 100, f"type must be one of {', '.join(_KINDS)}")
    if not isinstance(body.get(str(kind)), Mapping):
        return Fault(400, 131008, "Required parameter is missing", f"the parameter {kind} is required")
    token = body.get("biz_opaque_callback_data", "")
    if not isinstance(token, str) or len(token) > _TOKEN_LIMIT:
        return Fault(400, 131009, "Parameter value is not valid", "biz_opaque_callback_data")
    return _recipient(body) or _content(str(kind), obj(body.get(str(kind))))


def _recipient(body: Mapping[str, Any]) -> Fault | None:
    to, recipient = body.get("to"), body.get("recipient")
    if to is None and recipient is None:
        return Fault(400, 131008, "Required parameter is missing", "to or recipient is required")
    if to is not None and not (isinstance(to, str) and re.fullmatch(r"\+?[0-9]{5,20}", to)):
        return Fault(400, 131009, "Parameter value is not valid", "to is not a phone number")
    if to is None and not (isinstance(recipient, str) and is_bsuid(recipient)):
        return Fault(400, 131009, "Parameter value is not valid", "recipient is not a user id")
    return None


def _content(kind: str, part: Mapping[str, Any]) -> Fault | None:
    if kind == "text":
        body = part.get("body")
        if not isinstance(body, str) or not body.strip() or len(body) > _TEXT_LIMIT:
            return Fault(400, 131009, "Parameter value is not valid", f"text.body must hold 1 to {_TEXT_LIMIT} characters")
    if kind == "template":
        return _template(part)
    if kind in ("image", "video", "audio", "document", "sticker") and not (part.get("id") or part.get("link")):
        return Fault(400, 131008, "Required parameter is missing", f"{kind} needs id or link")
    return None


def _template(part: Mapping[str, Any]) -> Fault | None:
    if not part.get("name") or not obj(part.get("language")).get("code"):
        return Fault(400, 131008, "Required parameter is missing", "template needs name and language.code")
    for component in listed(part.get("components")):
        for one in listed(component.get("parameters")):
            text = one.get("text")
            if one.get("type") == "text" and (not isinstance(text, str) or not text or _BAD_PARAMETER.search(text)):
                return Fault(400, 132018, "Template parameters are not valid", "no newline, tab or five spaces, and not empty")
    return None
