"""Texts made to be slow to read: whatever a stranger writes is read in the time of any other text.

A step of the worker reads messages inside the transaction that finishes them: on SQLite nothing else is written
meanwhile, no webhook either.
"""

import time
from collections.abc import Callable
from datetime import date

import pytest

from leadkeeper.ai import courtesies, language, values
from leadkeeper.ai.extraction import extract
from leadkeeper.knowledge import words
from leadkeeper.rules.words import normalise

LONGEST = 4_096
"""Characters of the longest message a channel takes."""
SECONDS = 0.5
"""Of processor time; an ordinary text of this length takes 0.02, the slowest of these took 26."""


class NoWords:
    """Word lists that hold nothing."""

    def find(self, name: str, text: str) -> list[object]:
        return []


READERS: dict[str, Callable[[str], object]] = {
    "language": lambda text: language.detect(text, "en"),
    "values": values.allowed,
    "fields": lambda text: extract(text, NoWords(), "name", date(2026, 11, 25)),  # type: ignore[arg-type]
    "greeting": courtesies.is_greeting,
    "stems": words.stems,
    "normalise": normalise,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("piece", ["@", "a@", "a", "1", "1.", "1,", "a-", "a.", "+1", "1 ", " ", "http://", "my name is "])
def test_no_text_takes_long_to_read(reader: str, piece: str) -> None:
    text = (piece * LONGEST)[:LONGEST]

    began = time.process_time()
    READERS[reader](text)

    assert time.process_time() - began < SECONDS


def test_a_burst_of_digits_is_read_in_time_too() -> None:
    burst = "\n".join(["1" * LONGEST] * 10)

    began = time.process_time()
    values.allowed(burst)

    assert time.process_time() - began < SECONDS * 4


@pytest.mark.parametrize(
    ("text", "said"),
    [("mail me at sara@example.com please", "en"), ("sara@example.com", ""), ("@sara #visa", ""), ("سعر a@b.co", "ar")],
)
def test_an_address_says_nothing_of_the_language(text: str, said: str) -> None:
    assert language.detect(text, "") == said
