"""The `{placeholders}` a text may hold: an allow-list with neutral words for what is not known.

Never a template language: a text is checked when it is saved, and rendering can neither fail nor
leave a brace standing. A junk name ("Unknown User", a phone number) is never used to address anyone.
"""

import re
import unicodedata
from collections.abc import Mapping

FALLBACKS: Mapping[str, Mapping[str, str]] = {
    "name": {"en": "there", "ar": "عميلنا الكريم"},
    "business": {"en": "our team", "ar": "فريقنا"},
    "service": {"en": "your request", "ar": "طلبك"},
    "expiry_kind": {"en": "document", "ar": "المستند"},
    "expiry": {"en": "soon", "ar": "قريباً"},
    "expiry_days": {"en": "a few", "ar": "عدة"},
    "nationality": {"en": "your nationality", "ar": "جنسيتك"},
    "company": {"en": "your company", "ar": "شركتك"},
}
"""Every placeholder, with what stands in its place when the value is not known."""

LONGEST_NAME = 40

_BRACES = re.compile(r"\{([^{}]*)\}")
_JUNK = re.compile(
    r"\b(unknown|whats ?app|telegram|instagram|facebook|messenger|visitor|guest|customer|user|client|test|none|null|nan|undefined"
    r"|anonymous|n/?a|no ?name|admin|lead|contact)\b|مجهول|مستخدم|زائر|عميل|غير معروف",
    re.IGNORECASE,
)


def used(text: str) -> set[str]:
    """The names of the placeholders in `text`, known or not."""
    return {found.strip() for found in _BRACES.findall(text)}


def problem(text: str) -> str | None:
    """What is wrong with the placeholders of `text`, or None; said to whoever saves it."""
    unknown = sorted(used(text) - FALLBACKS.keys())
    if unknown:
        return f"unknown placeholder {{{unknown[0]}}} (known: {', '.join(FALLBACKS)})"
    rest = _BRACES.sub("", text)
    if "{" in rest or "}" in rest:
        return "a brace stands alone; placeholders look like {name}"
    return None


def render(text: str, values: Mapping[str, str | None], language: str) -> str:
    """`text` with its placeholders filled in; a value that is missing or empty becomes neutral words."""

    def fill(match: re.Match[str]) -> str:
        name = match.group(1).strip()
        value = values.get(name)
        if name == "name":
            value = fit_name(value)
        if value:
            return value
        neutral = FALLBACKS.get(name, {})
        return neutral.get(language) or neutral.get("en", "")

    return _BRACES.sub(fill, text).replace("{", "").replace("}", "")


def fit_name(name: str | None) -> str | None:
    """A name a person can be addressed by, or None: never a number, an emoji, a placeholder of some system."""
    kept = "".join(letter for letter in name or "" if unicodedata.category(letter)[0] in "LM" or letter in " .'’-")
    clean = " ".join(kept.split()).strip(" .'’-")
    letters = sum(letter.isalpha() for letter in clean)
    digits = sum(letter.isdigit() for letter in name or "")
    if letters < 2 or 2 * digits > letters or _JUNK.search(name or ""):
        return None
    return clean if len(clean) <= LONGEST_NAME else clean.split(" ", 1)[0][:LONGEST_NAME]
