"""The inbox's words and addresses, without a page around them."""

from datetime import timedelta

import pytest

from leadkeeper import clock
from leadkeeper.crm import spoken
from leadkeeper.web import inbox_asked, inbox_words
from leadkeeper.web.inbox_asked import Asked
from leadkeeper.web.words import catalogue


def test_every_word_of_lines_fields_and_kinds_is_there_in_arabic() -> None:
    lines = [words for pair in inbox_words.LINES.values() for words in pair]
    said = {*lines, *inbox_words.FIELDS.values(), *inbox_words.KINDS.values(), *inbox_words.TASKS.values()}

    assert sorted(words for words in said if words not in catalogue("ar")) == []


def test_a_line_of_a_kind_nobody_knows_is_still_said() -> None:
    line = spoken.Line(1, "brand_new", None, None, None, {}, clock.now())

    assert inbox_words.line("en", line, {}) == "Brand new"


def test_addresses_keep_what_was_asked_for_and_drop_what_makes_no_sense() -> None:
    asked = inbox_asked.of({"view": "mine", "q": " visa ", "next": "12-3", "before": "x", "pane": "nothing"})

    assert asked == Asked("mine", "visa", "12-3")
    assert asked.thread(7) == "/inbox/7?view=mine&q=visa&next=12-3"
    assert asked.listed(view="all", after="") == "/inbox?view=all&q=visa"
    assert inbox_asked.of({"view": "everything", "before": "9" * 30}) == Asked()


@pytest.mark.parametrize(
    ("seconds", "words"), [(-3, "0 s"), (42, "42 s"), (61, "1 min"), (7300, "2 h"), (timedelta(days=3).total_seconds(), "3 d")]
)
def test_a_wait_is_told_in_its_largest_unit(seconds: float, words: str) -> None:
    assert inbox_words.brief("en", seconds) == words
