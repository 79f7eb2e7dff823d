"""Template messages: parameters made fit for the provider, components in its shape.

A parameter may not hold a newline, a tab or more than four spaces in a row, nor be empty (errors
132000, 132012, 132018), so it is put right here once more, whatever was saved.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from leadkeeper.channels.base import JsonObject
from leadkeeper.channels.storable import storable_text
from leadkeeper.channels.whatsapp.reading import listed, obj, word

PARAMETER_LIMIT = 1_024
"""Characters of one parameter; the whole body may not have more either."""

NOTHING = "-"
"""Stands for an empty parameter."""

_BREAKS = re.compile(r"[\s\x00-\x1f]*[\r\n\t\v\f\x1c-\x1f\x85\u2028\u2029][\s\x00-\x1f]*")
_GAPS = re.compile(r"\s{4,}")


def parameter(value: object) -> str:
    """`value` as a parameter the provider takes: one line, no wide gaps, never empty."""
    text = value if isinstance(value, str) else "" if value is None else str(value)
    text = _GAPS.sub(" ", _BREAKS.sub(" ", storable_text(text))).strip()
    return text[:PARAMETER_LIMIT].rstrip() or NOTHING


def template(template: JsonObject) -> dict[str, Any]:
    """The provider's `template` object of {name, language, parameters, header?, buttons?}.

    `parameters` is a list (positional) or an object (named). `header` is a text or
    {kind: image|video|document, link}; `buttons` are {index, kind: quick_reply|url, value}.
    """
    components = []
    header = template.get("header")
    if header:
        components.append({"type": "header", "parameters": [_header(header)]})
    parameters = _parameters(template.get("parameters"))
    if parameters:
        components.append({"type": "body", "parameters": parameters})
    components += [_button(button) for button in listed(template.get("buttons"))]
    shape: dict[str, Any] = {
        "name": word(template.get("name"), 512),
        "language": {"code": word(template.get("language"), 16) or "en"},
    }
    return {**shape, "components": components} if components else shape


def _parameters(given: object) -> list[dict[str, str]]:
    if isinstance(given, Mapping):
        return [{"type": "text", "parameter_name": str(name), "text": parameter(value)} for name, value in given.items()]
    if isinstance(given, Sequence) and not isinstance(given, str):
        return [{"type": "text", "text": parameter(value)} for value in given]
    return []


def _header(header: object) -> dict[str, Any]:
    kind = word(obj(header).get("kind"), 16)
    if kind in ("image", "video", "document"):
        return {"type": kind, kind: {"link": word(obj(header).get("link"), 2_000)}}
    return {"type": "text", "text": parameter(header)}


def _button(button: JsonObject) -> dict[str, Any]:
    kind = word(button.get("kind"), 16) or "quick_reply"
    value = parameter(button.get("value"))
    part = {"type": "payload", "payload": value} if kind == "quick_reply" else {"type": "text", "text": value}
    return {"type": "button", "sub_type": kind, "index": word(button.get("index"), 4) or "0", "parameters": [part]}
