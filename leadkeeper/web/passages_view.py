"""A document with its passages marked: what is quoted, what stands between, in the document's own order."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leadkeeper.knowledge.documents import Document
from leadkeeper.knowledge.stored import Passage

SHOWN_BYTES = 24_000
"""Passages of one page hold at most about this much text, so that the page stays small."""
MOST = 40
BETWEEN = 400
"""Characters of unquoted text that are shown between two passages."""
_CHARACTERS = re.compile(r"characters (\d+)-(\d+)")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the document: a passage, or (without one) text that no answer quotes."""

    text: str
    passage: Passage | None = None
    number: int = 0
    again: str = ""
    """The beginning it shares with the passage before."""


def fitting(passages: Sequence[Passage]) -> Sequence[Passage]:
    """As many of them as a page takes, at least one."""
    size = 0
    for place, each in enumerate(passages):
        size += len(each.text.encode()) + len((each.question or "").encode())
        if place and (size > SHOWN_BYTES or place >= MOST):
            return passages[:place]
    return passages


def pieces(document: Document, passages: Sequence[Passage], first: int) -> list[Piece]:
    """The passages from number `first` (0 the first of all) on, with what stands between them."""
    return list(_pieces(document, passages, first))


def _pieces(document: Document, passages: Sequence[Passage], first: int) -> Iterator[Piece]:
    reached: int | None = 0 if first == 0 else None
    for number, passage in enumerate(passages, start=first + 1):
        found = _CHARACTERS.fullmatch(passage.place)
        if found is None:
            yield Piece(passage.text, passage, number)
            continue
        start, end = int(found[1]), int(found[2])
        if reached is not None and start > reached:
            between = document.content[reached:start].strip()
            if between and passage.kind != "qa":
                yield Piece(between[:BETWEEN] + ("…" if len(between) > BETWEEN else ""))
        shared = document.content[start:reached] if reached is not None and start < reached < end else ""
        repeats = bool(shared) and passage.text.startswith(shared)
        yield Piece(passage.text[len(shared) :] if repeats else passage.text, passage, number, shared if repeats else "")
        reached = max(end, reached or 0)
