"""From text to the words an index counts: folding, words, stems and character 4-grams.

The same for documents and questions, for every script. Arabic is written with and without marks,
with four alefs and two kinds of ya: what readers take as one word becomes one word here.
"""

import re
import threading
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache

import Stemmer

from leadkeeper.knowledge.scripts import ARABIC, CYRILLIC, DEVANAGARI, script_of

STEMMERS = {ARABIC: "arabic", CYRILLIC: "russian", DEVANAGARI: "hindi"}
"""Snowball algorithm by script; everything else is read as English."""

GRAM = 4
WORD = re.compile(r"\w+", re.UNICODE)
_ALIKE = {"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ئ": "ي", "ؤ": "و", "ة": "ه", "ک": "ك", "ـ": None}
_JOINED = {"n't": " not", "'s": "", "'re": "", "'ll": "", "'ve": "", "'m": "", "'d": ""}
_CLITICS = re.compile(r"(n't|'(?:s|re|ll|ve|m|d))\b")
_COMPOUND = re.compile(r"\b(wi|e|check|take|carry)[- ](fi|mail|in|out)\b")
_local = threading.local()


def fold(text: str) -> str:
    """`text` as it is compared: NFKC, lower case, no accents or harakat, one alef, ASCII digits."""
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", plain).translate(_folding()))


def words(text: str) -> list[str]:
    """The folded words of a text, in order; "don't" is two, "guest's" and "check-in" are one."""
    apart = _CLITICS.sub(lambda found: _JOINED[found[1]], fold(text))
    return WORD.findall(_COMPOUND.sub(r"\1\2", apart))


def stems(text: str) -> list[str]:
    """The stems of a text's words, in order."""
    return [stem(word) for word in words(text)]


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """The stem of one folded word (Snowball, by script)."""
    return str(_stemmer(STEMMERS.get(script_of(word) or "", "english")).stemWord(word))


def grams(word: str) -> Iterator[str]:
    """The character 4-grams of a word with its edges marked; they find what stems miss."""
    marked = f"_{word}_"
    for start in range(max(1, len(marked) - GRAM + 1)):
        yield "#" + marked[start : start + GRAM]


@cache
def _folding() -> dict[int, str | None]:
    """Marks go, but vowel signs of Indic scripts, which change the word; digits become ASCII."""
    table: dict[int, str | None] = {}
    for code in range(0x80, 0x10000):
        letter = chr(code)
        if unicodedata.category(letter) == "Mn" and not 0x0900 <= code <= 0x0DFF:
            table[code] = None
        elif letter.isdecimal():
            table[code] = str(unicodedata.decimal(letter))
    return table | str.maketrans(_ALIKE) | str.maketrans({"’": "'"})


def _stemmer(algorithm: str) -> Stemmer.Stemmer:
    """One stemmer per thread: PyStemmer's objects are not thread-safe."""
    held: dict[str, Stemmer.Stemmer] = _local.__dict__.setdefault("stemmers", {})
    if algorithm not in held:
        held[algorithm] = Stemmer.Stemmer(algorithm)
    return held[algorithm]
