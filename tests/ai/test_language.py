"""The language of a message, and messages that ask nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.ai.courtesies import is_greeting, is_thanks
from leadkeeper.ai.language import detect, writes


@pytest.mark.parametrize(
    ("text", "language"),
    [("How much is it?", "en"), ("كم السعر؟", "ar"), ("ویزا کی قیمت کیا ہے؟", "ur"), ("कितना", "hi"), ("Привет", "ru"),
     ("أريد تجديد رخصة Dubai Mainland", "ar")],
)  # fmt: skip
def test_a_message_shows_its_language(text: str, language: str) -> None:
    assert detect(text, "xx") == language


@pytest.mark.parametrize(
    "text", ["", "123", "+971 50 123", "👍🙏", "ok", "OK!", "hi", "WhatsApp?", "a@b.com", "https://x.com/about-us", "..."]
)
def test_what_says_nothing_leaves_the_language_as_it_was(text: str) -> None:
    assert detect(text, "ar") == "ar"
    assert detect(text, "") == ""


def test_our_own_texts_fall_back_to_english() -> None:
    assert [writes(language) for language in ("ar", "en", "ur")] == ["ar", "en", "en"]


@given(st.text())
def test_any_text_has_a_language(text: str) -> None:
    assert detect(text, "en")


@pytest.mark.parametrize("text", ["Hi", "hellooo!!", "Good Morning 🌞", "السلام عليكم", "مرحباً", "صباح الخير", "hey there"])
def test_a_greeting_alone_is_one(text: str) -> None:
    assert is_greeting(text)
    assert not is_thanks(text)


@pytest.mark.parametrize("text", ["Thanks!", "thank you so much 🙏", "ok thanks", "شكراً", "شكرا جزيلا", "Okay", "تمام"])
def test_thanks_alone_are_thanks(text: str) -> None:
    assert is_thanks(text)
    assert not is_greeting(text)


@pytest.mark.parametrize(
    "text", ["Hi, how much is it?", "thanks, and parking?", "high", "مرحبا كم السعر", "", "👍", "hello kitty price"]
)
def test_a_message_that_asks_more_is_neither(text: str) -> None:
    assert not is_greeting(text)
    assert not is_thanks(text)
