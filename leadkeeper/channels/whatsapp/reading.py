"""Total readers of JSON: whatever stands there, an object, a list, a word or a moment comes back."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from leadkeeper import clock
from leadkeeper.channels.base import JsonObject

BSUID = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}")
"""A business-scoped user id: country, dot, alphanumerics; the parent form has ENT between."""

_EMPTY: Mapping[str, Any] = {}
_SECONDS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
_OLDEST = 1e8
"""1973: whatever is older is no moment but a counter or a placeholder."""
_NEWEST = 1e11


def obj(value: object) -> JsonObject:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else _EMPTY


def listed(value: object) -> Iterator[JsonObject]:
    """The objects of a list; an object on its own counts as a list of one."""
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def word(value: object, limit: int = 200) -> str:
    """A short text or number as text, stripped and cut; anything else is empty."""
    if isinstance(value, str):
        return value.strip()[:limit]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return ""
    if isinstance(value, float):
        return str(int(value) if value.is_integer() and abs(value) < 1e18 else value)
    return str(value)[:limit] if value.bit_length() <= 256 else ""


def prose(value: object, limit: int = 65_536) -> str:
    """A text as it was written, cut; anything else is empty."""
    return value[:limit] if isinstance(value, str) else ""


def moment(value: object) -> datetime | None:
    """A provider's time stamp (seconds, milli-, micro- or nanoseconds, number or text) in UTC.

    The unit is told by the magnitude. A time in the future is not believed and becomes now; what
    is no time at all is None.
    """
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    try:
        seconds = float(value) if not isinstance(value, str) or len(value) <= 32 else 0.0
    except (ValueError, OverflowError):
        return None
    for from_here, unit in _SECONDS:
        if seconds >= from_here:
            seconds /= unit
            break
    if not _OLDEST <= seconds < _NEWEST:
        return None
    now = clock.now()
    return now if seconds >= now.timestamp() else datetime.fromtimestamp(seconds, UTC)


def digest(*parts: object) -> str:
    """An id for a thing the provider gave none: the same content gives the same id."""
    text = json.dumps(parts, sort_keys=True, default=str, separators=(",", ":"))
    return f"derived:{hashlib.sha256(text.encode()).hexdigest()[:40]}"


def fitting(external_id: str, limit: int = 300) -> str:
    """`external_id` itself, or its digest where it is longer than its column."""
    return external_id if len(external_id) <= limit else digest(external_id)


def is_bsuid(value: str) -> bool:
    """True for a business-scoped user id (`US.13491…`), which must never be treated as a phone number."""
    return value[2:3] == "." and BSUID.fullmatch(value) is not None
