"""The word lists a message is read against: normalised, compiled once per lexicon version, fast.

A message becomes a row of words (letters and digits only, case and accents folded, Arabic spelling
variants and the article folded, emoji dropped). A phrase matches a run of whole words, never a part
of one; of phrases of one list that overlap, the longest wins. Some lists match whole messages only.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

from sqlalchemy import URL, Connection, select

from leadkeeper.store import settings_rows
from leadkeeper.store.schema import lexicon as table

CLASSES = ("human", "anger", "legal", "refund", "payment", "complaint")
"""Lists whose words hand a conversation over to a person."""

WHOLE = ("opt_out", "opt_in", "acknowledgement", "greeting")
"""Lists that match only when the phrase is the whole message: "stop by tomorrow" is no opt-out."""

CODES = ("service", "nationality", "expiry")
"""Lists whose phrases stand for a value: a service code, a country, a kind of expiry."""

ALONE = "="
"""A phrase of any list that begins with this matches only as the whole message: "=agent"."""

LISTS = (*CLASSES, *WHOLE, *CODES)

VERSION = "lexicon_version"
"""The settings row that names the state of the word lists."""

_LONGEST_WHOLE = 8


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase found in a message: `start` and `end` count words of the normalised message."""

    list: str
    value: str
    phrase: str
    language: str
    start: int
    end: int


class _Letters(dict[int, str]):
    """What each character becomes: itself, nothing, or a space. Filled as characters are met."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        kind = unicodedata.category(letter)
        if _dropped(code, kind):
            made = ""
        elif kind[0] in "LMN":
            made = _SAME.get(letter, letter)
        else:
            made = " "
        self[code] = made
        return made


def _dropped(code: int, kind: str) -> bool:
    accents = 0x0300 <= code <= 0x036F or 0x064B <= code <= 0x065F or code in (0x0640, 0x0670)
    return accents or kind == "Cf" or 0xFE00 <= code <= 0xFE0F or code in _APOSTROPHES


_APOSTROPHES = {ord(sign) for sign in "'’‘ʼ`´"}
_SAME = {"ى": "ي", "ی": "ي", "ې": "ي", "ک": "ك", "گ": "ك", "ہ": "ه", "ھ": "ه", "ة": "ه", "ۃ": "ه", "ٱ": "ا", "ے": "ي", "ß": "ss"}
_LETTERS = _Letters()


def normalise(text: str) -> str:
    """`text` as it is compared: NFKD, case folded, accents, punctuation and emoji gone, one space between words."""
    folded = text.lower() if text.isascii() else _folded(text)
    return " ".join(folded.translate(_LETTERS).split())


def _folded(text: str) -> str:
    """Compatibility forms and case away; folding case may bring a new compatibility form, hence the second pass."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFKD", plain).casefold()


def tokens(text: str) -> tuple[str, ...]:
    """The words of `text`, Arabic ones without article and leading "and"."""
    return tuple(map(_bare, normalise(text).split()))


@lru_cache(maxsize=20_000)
def _bare(word: str) -> str:
    """An Arabic word without its article (ال, وال, بال, لل, ...) and a leading و; others unchanged.

    Phrases are bared alike, so a phrase and a message always meet in the same form.
    """
    if not "\u0620" <= word[0] <= "\u06ff":
        return word
    for prefix in ("وبال", "وال", "فال", "بال", "كال", "ولل", "ال", "لل"):
        if word.startswith(prefix) and len(word) - len(prefix) >= 2:
            return word[len(prefix) :]
    return word[1:] if word[0] == "و" and len(word) >= 5 else word


@dataclass(frozen=True, slots=True)
class _Phrase:
    list: str
    value: str
    phrase: str
    language: str
    words: tuple[str, ...]


class Lexicon:
    """Compiled word lists. Immutable once built; safe to share between threads."""

    def __init__(self, rows: Iterable[tuple[str, str, str, str]]) -> None:
        """`rows` are (list, language, phrase, value)."""
        self._first: dict[str, list[_Phrase]] = {}
        self._whole: dict[tuple[str, ...], list[_Phrase]] = {}
        for name, language, phrase, value in rows:
            words = tokens(phrase.removeprefix(ALONE))
            if not words:
                continue
            entry = _Phrase(name, value, phrase, language, words)
            if name in WHOLE or phrase.startswith(ALONE):
                self._whole.setdefault(_once(words), []).append(entry)
            else:
                self._first.setdefault(words[0], []).append(entry)
        for entries in self._first.values():
            entries.sort(key=lambda entry: -len(entry.words))

    def match(self, text: str) -> tuple[Hit, ...]:
        """Every phrase found in `text`, in order; per list without overlaps, the longest first."""
        words = tokens(text)
        hits = [Hit(found.list, found.value, found.phrase, found.language, 0, len(words)) for found in self._of_whole(words)]
        return (*hits, *self._inside(words))

    def find(self, name: str, text: str) -> tuple[Hit, ...]:
        """The hits of one list in `text`, in order."""
        return tuple(hit for hit in self.match(text) if hit.list == name)

    def lists_in(self, text: str) -> dict[str, str]:
        """The lists `text` touches, each with the phrase that was found first."""
        found: dict[str, str] = {}
        for hit in self.match(text):
            found.setdefault(hit.list, hit.phrase)
        return found

    def _of_whole(self, words: tuple[str, ...]) -> Iterable[_Phrase]:
        if not words or len(words) > _LONGEST_WHOLE:
            return ()
        seen: dict[str, _Phrase] = {}
        for entry in self._whole.get(_once(words), ()):
            seen.setdefault(entry.list, entry)
        return seen.values()

    def _inside(self, words: tuple[str, ...]) -> list[Hit]:
        found: list[Hit] = []
        for start, word in enumerate(words):
            for entry in self._first.get(word, ()):
                end = start + len(entry.words)
                if words[start:end] == entry.words:
                    found.append(Hit(entry.list, entry.value, entry.phrase, entry.language, start, end))
        return _longest(found)


def _longest(hits: list[Hit]) -> list[Hit]:
    """Of overlapping hits of one list the longest, in the order they stand in the message."""
    if len(hits) < 2:
        return hits
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.start - hit.end, hit.start)):
        if not any(hit.list == other.list and hit.start < other.end and other.start < hit.end for other in kept):
            kept.append(hit)
    return sorted(kept, key=lambda hit: (hit.start, hit.list))


def _once(words: tuple[str, ...]) -> tuple[str, ...]:
    """ "STOP STOP STOP" says the same as "STOP"."""
    return words[:1] if len(set(words)) == 1 else words


_compiled: tuple[URL | None, str, Lexicon] | None = None
_lock = Lock()


def load(conn: Connection, version: str) -> Lexicon:
    """The lexicon of this database, compiled at most once per version in this process.

    `version` is the settings row `lexicon_version`, which every change of a word renews: a random name, the
    same in two databases only where one is a copy of the other. Empty before any word was stored.
    """
    global _compiled
    place = None if version else conn.engine.url
    held = _compiled
    if held is not None and held[:2] == (place, version):
        return held[2]
    with _lock:
        rows = conn.execute(select(table.c.list, table.c.language, table.c.phrase, table.c.value).order_by(table.c.id))
        made = Lexicon((row.list, row.language, row.phrase, row.value) for row in rows)
        _compiled = (place, version, made)
        return made


def current(conn: Connection) -> Lexicon:
    """The lexicon in force, for readers outside the rules (field extraction)."""
    return load(conn, str(settings_rows.get(conn, VERSION) or ""))


def contains(text: str, phrase: str) -> bool:
    """True when `phrase` is in `text` as a run of whole words."""
    inside, wanted = tokens(text), tokens(phrase)
    length = len(wanted)
    return length > 0 and any(inside[at : at + length] == wanted for at in range(len(inside) - length + 1))
