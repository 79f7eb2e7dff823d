"""Quoting: one or two whole sentences, word for word; and when two answers are the same."""

import pytest

from leadkeeper.knowledge.quotes import LONGEST_QUOTE, best_sentences, same_answer
from leadkeeper.knowledge.vocabulary import weigh

TEXT = "We open at nine. A visa costs AED 4,200. It takes three days. Parking is behind the house."


def quote(question: str, text: str = TEXT) -> str:
    return best_sentences(text, weigh(question, 1.0))


def test_the_sentence_that_holds_the_question_is_quoted() -> None:
    assert quote("what does a visa cost") == "A visa costs AED 4,200."


def test_a_sentence_that_leans_on_the_one_before_it_brings_it_along() -> None:
    assert quote("takes how many days") == "A visa costs AED 4,200. It takes three days."


def test_two_sentences_apart_stand_on_lines_of_their_own() -> None:
    assert quote("visa costs and parking behind the house") == "A visa costs AED 4,200.\nParking is behind the house."


def test_a_quote_is_no_longer_than_a_message() -> None:
    long = "visa " * 130
    assert len(quote("visa price", f"{long}visa. Price {'x ' * 200}here.")) <= len(long) + 5
    assert len(quote("visa days", TEXT)) <= LONGEST_QUOTE


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("No, pets are not allowed here.", "Pets are not allowed.", True),
        ("Pets are allowed.", "Pets are not allowed.", False),
        ("Parking costs 10 per day.", "Parking costs 20 per day.", False),
        ("The fee is AED 1,000.", "The fee is AED 1000.", True),
        ("We are open on Fridays.", "We deliver by courier.", False),
        ("Free wifi.", "There is free wifi.", True),
    ],
)
def test_two_answers_are_the_same_only_with_the_same_numbers_and_negations(left: str, right: str, same: bool) -> None:
    assert same_answer(left, right) is same
    assert same_answer(right, left) is same
