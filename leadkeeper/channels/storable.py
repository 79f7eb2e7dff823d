"""Make what a provider sent fit for the database.

JSON may legally hold what SQLite and PostgreSQL refuse or misread: NUL characters, lone surrogates
(`\\ud83d` without its other half), NaN and infinity, numbers and nesting without end. They are replaced for
storage; the raw bytes of the delivery are kept beside.
"""

import math
import re
from typing import Any

_REFUSED = re.compile("[\x00\ud800-\udfff]")
_DEEPEST = 40
"""Levels kept of a nested value; no provider nests deeper than 12."""
_WIDEST_BITS = 1_024


def storable_text(text: str, limit: int | None = None) -> str:
    """`text` with NUL and lone surrogates as U+FFFD, cut to `limit` characters."""
    if limit is not None and len(text) > limit:
        text = text[:limit]
    if text.isascii():
        return text.replace("\x00", "\ufffd") if "\x00" in text else text
    return _REFUSED.sub("\ufffd", text)


def storable(value: Any, depth: int = 0) -> Any:
    """A copy of a JSON value that both databases store and give back unchanged. Never raises."""
    if isinstance(value, str):
        return value if value.isascii() and "\x00" not in value else storable_text(value)
    if isinstance(value, dict):
        if depth >= _DEEPEST:
            return {}
        depth += 1
        return {storable(str(key)): storable(item, depth) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [] if depth >= _DEEPEST else [storable(item, depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, int) and value.bit_length() > _WIDEST_BITS:
        return None
    return value
