"""Where sentences begin and end, with their places in the text. Pure; English, Arabic and kin."""

import re
from collections.abc import Iterator

Span = tuple[int, int]
_END = re.compile(r"(?<=[.!?؟۔।…])[\"'”’»)\]]*\s+|\n+")
_NO_END = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|st|no|nr|vs|approx|incl|excl|etc|e\.g|i\.e|a\.m|p\.m|dept|tel|min|max)|\b[A-Za-z])\.$", re.I
)


def spans(text: str) -> Iterator[Span]:
    """(start, end) of each sentence, without the white space around it. An abbreviation ends none."""
    start = 0
    for found in _END.finditer(text):
        before = text[start : found.start()]
        if "\n" not in found[0] and _NO_END.search(before):
            continue
        yield from _trimmed(text, start, found.end())
        start = found.end()
    yield from _trimmed(text, start, len(text))


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order."""
    return [text[start:end] for start, end in spans(text)]


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    if piece.strip():
        yield start + left, start + len(piece.rstrip())
