"""A model's answer, read out of whatever it wrapped it in. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "decision": {"type": "string", "enum": ["answer", "handoff"]},
        "text": {"type": "string"},
        "citations": {"type": "array", "items": {"type": "string"}},
        "quotes": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["decision", "text", "citations", "quotes"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Written:
    """What the model decided. `citations` are labels of passages, `quotes` words copied from them."""

    decision: str
    text: str
    citations: tuple[str, ...]
    quotes: tuple[str, ...]


def read(raw: str) -> Written | None:
    """The answer in `raw`: bare, fenced, after thoughts or chatter, or encoded twice. None when there is none."""
    body = raw.rsplit("</think>", 1)[-1]
    found = _object(body)
    if found is None or found.get("decision") not in ("answer", "handoff"):
        return None
    text = found.get("text")
    citations, quotes = found.get("citations") or [], found.get("quotes") or []
    if not isinstance(text, str) or not isinstance(citations, list) or not isinstance(quotes, list):
        return None
    if not all(isinstance(each, str) for each in (*citations, *quotes)):
        return None
    return Written(str(found["decision"]), text.strip(), tuple(citations), tuple(quotes))


def _object(body: str) -> dict[str, Any] | None:
    """The first JSON object of a text that holds a decision."""
    try:
        whole = json.loads(body)
        if isinstance(whole, str):
            return _object(whole)
    except ValueError:
        pass
    decoder = json.JSONDecoder()
    place = body.find("{")
    while place >= 0:
        try:
            found, _ = decoder.raw_decode(body, place)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict) and "decision" in found:
            return found
        place = body.find("{", place + 1)
    return None
