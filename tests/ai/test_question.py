"""What is searched: the last words, and the ones before them when these have no subject of their own."""

import pytest

from leadkeeper.ai.question import Question, searches

THREAD = [("customer", "Hello"), ("us", "Welcome"), ("customer", "I need a family visa"), ("us", "Of course.")]


def asked(*texts: str) -> Question:
    return Question(list(texts), "en", [*THREAD, *(("customer", text) for text in texts)])


@pytest.mark.parametrize(
    "text", ["how much is it?", "How much?", "how long does it take", "is that available?", "price?", "كم السعر؟"]
)
def test_a_question_without_a_subject_takes_the_one_before(text: str) -> None:
    assert searches(asked(text)) == [f"I need a family visa\n{text}\n{text}"]


@pytest.mark.parametrize("text", ["and parking?", "parking?", "what about delivery"])
def test_a_short_one_is_tried_alone_first(text: str) -> None:
    assert searches(asked(text)) == [text, f"I need a family visa\n{text}\n{text}"]


def test_a_whole_question_stands_for_itself() -> None:
    assert searches(asked("What documents do I need for a trade licence?")) == ["What documents do I need for a trade licence?"]


def test_without_an_earlier_question_there_is_nothing_to_lean_on() -> None:
    assert searches(Question(["price?"], "en", [("customer", "Hi"), ("us", "Welcome"), ("customer", "price?")])) == ["price?"]


def test_a_burst_is_one_question_without_its_courtesies() -> None:
    assert asked("Hi", "do you deliver to Sharjah on Fridays", "thanks").text == "do you deliver to Sharjah on Fridays"


def test_courtesies_alone_stay() -> None:
    assert asked("Hi").text == "Hi"
