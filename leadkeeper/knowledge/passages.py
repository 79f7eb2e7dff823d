"""Cut a training document into passages: the pieces that can be quoted, each with its place. Pure.

A question with its answer is one passage, however it is written: a CSV row, "Q:" and "A:" (or "س:"
and "ج:"), a heading or a line of its own that ends in a question mark. Prose becomes passages of
120 to 180 words that overlap by one sentence and never cross a heading; a table row is one passage.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from leadkeeper.knowledge import uploads
from leadkeeper.knowledge.blocks import Block, blocks
from leadkeeper.knowledge.scripts import language_of
from leadkeeper.knowledge.sentences import Span, spans
from leadkeeper.knowledge.words import fold

LEAST_WORDS, MOST_WORDS = 120, 180
LONG_WORD = 12
"""Characters that count as a word at least."""
LONGEST_ANSWER = 3_000
"""Characters; a longer answer is no message: it becomes prose under its question."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A passage before it is stored. `text` is quoted as it stands; `question` only for kind "qa"."""

    kind: str
    text: str
    place: str
    language: str
    heading: str | None = None
    question: str | None = None

    @property
    def hash(self) -> str:
        """SHA-256 of what it says, however it is spaced or spelt."""
        said = fold(f"{self.question or ''}\n{self.text}")
        return hashlib.sha256(" ".join(said.split()).encode()).hexdigest()


def split(content: str, format_: str) -> list[Piece]:
    """The passages of a document, in order; a piece that repeats another word for word is left out.

    `format_` is txt, md or csv. Raises Invalid for a CSV without question and answer columns.
    """
    found = _of_rows(content) if format_ == "csv" else _of_text(content)
    return list({piece.hash: piece for piece in reversed(list(found))}.values())[::-1]


def _of_rows(content: str) -> Iterator[Piece]:
    for line, question, answer in uploads.entries(content):
        yield _entry(question, answer, f"row {line}", None)


def _of_text(content: str) -> Iterator[Piece]:
    waiting: list[Block] = []
    for block in blocks(content):
        if waiting and (block.kind != "prose" or block.heading != waiting[0].heading):
            yield from _prose(content, waiting)
            waiting = []
        if block.kind == "prose":
            waiting.append(block)
        elif block.kind == "qa" and block.end - block.start <= LONGEST_ANSWER:
            yield _entry(block.question or "", block.text(content), _place(block.start, block.end), block.heading)
        elif block.kind == "qa":
            yield from _prose(content, [Block("prose", block.start, block.end, block.question)])
        else:
            yield _piece(block.row or "", _place(block.start, block.end), block.heading)
    yield from _prose(content, waiting)


def _prose(content: str, waiting: list[Block]) -> Iterator[Piece]:
    """Sentences of blocks under one heading, packed into passages."""
    if not waiting:
        return
    cut = [
        (block.start + a, block.start + b)
        for block in waiting
        for left, right in spans(content[block.start : block.end])
        for a, b in _short(content, block.start, left, right)
    ]
    for chosen in _packed([(span, _length(content[span[0] : span[1]])) for span in cut]):
        start, end = chosen[0][0], chosen[-1][1]
        yield _piece(content[start:end], _place(start, end), waiting[0].heading)


def _length(sentence: str) -> int:
    """Words, or what stands for them in a script that writes no spaces."""
    return max(len(sentence.split()), len(sentence) // LONG_WORD)


def _short(content: str, base: int, left: int, right: int) -> Iterator[Span]:
    """A "sentence" longer than a passage (a list without full stops, a script without spaces) in parts."""
    words, start = 0, left
    for place in range(left, right):
        if content[base + place].isspace() or place - start >= MOST_WORDS * LONG_WORD:
            words += 1
            if words >= MOST_WORDS or place - start >= MOST_WORDS * LONG_WORD:
                yield start, place
                words, start = 0, place + content[base + place].isspace()
    if content[base + start : base + right].strip():
        yield start, right


def _packed(measured: list[tuple[Span, int]]) -> Iterator[list[Span]]:
    """Groups of sentences of at most MOST_WORDS; each begins with the last sentence of the one before.

    A rest shorter than LEAST_WORDS reaches back for more sentences instead of standing almost alone.
    """
    chosen: list[tuple[Span, int]] = []
    first = True
    for sentence in measured:
        if chosen and sum(count for _, count in chosen) + sentence[1] > MOST_WORDS:
            yield [span for span, _ in chosen]
            last = chosen[-1]
            chosen = [last] if last[1] + sentence[1] <= MOST_WORDS and len(chosen) > 1 else []
            first = False
        chosen.append(sentence)
    at = len(measured) - len(chosen)
    while not first and at > 0 and sum(n for _, n in chosen) < LEAST_WORDS:
        if sum(n for _, n in chosen) + measured[at - 1][1] > MOST_WORDS:
            break
        at -= 1
        chosen.insert(0, measured[at])
    if chosen:
        yield [span for span, _ in chosen]


def _entry(question: str, answer: str, place: str, heading: str | None) -> Piece:
    return Piece("qa", answer, place, language_of(answer) or language_of(question) or "en", heading, question)


def _piece(text: str, place: str, heading: str | None) -> Piece:
    return Piece("prose", text, place, language_of(text) or "en", heading)


def _place(start: int, end: int) -> str:
    return f"characters {start}-{end}"
