"""The language of a message, by its script. Pure.

Detected for each message and kept on the conversation. What says nothing about the language (digits,
emoji, an address, "ok") leaves it as it was.
"""

import re

from leadkeeper.knowledge.scripts import language_of
from leadkeeper.knowledge.words import words

WRITTEN = ("en", "ar")
"""The languages our own fixed texts exist in."""

LONGEST_READ = 4_000
"""Characters of a message that are read; the rest is written in the same language."""

_NOT_SPOKEN = re.compile(r"https?://\S+|www\.\S+|[@#]\w+", re.I)
_ANYWHERE = frozenset(words("ok okay k hi hey hello yes no thx tnx pls lol wifi whatsapp visa email sms stop start"))
"""Latin words that writers of every language use alone."""


def detect(text: str, fallback: str) -> str:
    """ISO code of the language of `text`, or `fallback` when the text does not show it.

    Urdu and Persian are told from Arabic by their own letters. Latin script reads as English.
    """
    spoken = " ".join(_NOT_SPOKEN.sub(" ", word) for word in text[:LONGEST_READ].split() if not _is_address(word))
    if language_of(spoken) == "en" and all(word in _ANYWHERE or word.isdecimal() for word in words(spoken)):
        return fallback
    return language_of(spoken) or fallback


def writes(language: str) -> str:
    """The language our fixed texts use for a customer of `language`."""
    return language if language in WRITTEN else WRITTEN[0]


def _is_address(word: str) -> bool:
    """True for something@somewhere.tld. By hand: the pattern for it takes cubic time on a text of at signs."""
    at = word.find("@", 1)
    return at > 0 and 0 < word.find(".", at + 2) < len(word) - 1
