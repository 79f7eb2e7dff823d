"""Folding and scripts: what readers take as one word is one word; Urdu is not Arabic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.knowledge.concepts import concepts_of
from leadkeeper.knowledge.scripts import language_of
from leadkeeper.knowledge.words import fold, grams, stems, words


@pytest.mark.parametrize(
    ("left", "right"),
    [("أسعار", "اسعار"), ("إقامة", "اقامه"), ("آخر", "اخر"), ("مُدَّة", "مده"), ("مـــدة", "مدة"), ("على", "علي"),
     ("١٢٣", "123"), ("۱۲۳", "123"), ("Café", "cafe"), ("ＶＩＳＡ", "visa"), ("Straße", "strasse"), ("کتاب", "كتاب")],
)  # fmt: skip
def test_spellings_of_one_word_are_one(left: str, right: str) -> None:
    assert fold(left) == fold(right)


def test_hindi_keeps_its_vowel_signs() -> None:
    assert fold("कितना") == "कितना"


def test_contractions_and_possessives_are_taken_apart() -> None:
    assert words("don’t take the guest's car") == ["do", "not", "take", "the", "guest", "car"]


def test_endings_share_a_stem() -> None:
    assert stems("renewals renewed renewing") == ["renew"] * 3


def test_grams_mark_the_edges() -> None:
    assert list(grams("visa")) == ["#_vis", "#visa", "#isa_"]
    assert list(grams("a")) == ["#_a_"]


def test_words_of_one_meaning_share_a_concept_across_languages() -> None:
    assert concepts_of(stems("cost")) & concepts_of(stems("السعر")) & concepts_of(stems("fees")) == {"=price"}


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("text", "language"),
    [("How much?", "en"), ("كم السعر؟", "ar"), ("ویزا کی قیمت کیا ہے؟", "ur"), ("مجھے بتائیں", "ur"), ("قیمت چند است؟", "fa"),
     ("कितना खर्च", "hi"), ("Сколько стоит", "ru"), ("多少钱", "zh"), ("いくらですか", "ja"), ("얼마예요", "ko"),
     ("كم سعر Golden Visa", "ar"), ("12345 👍", None), ("", None)],
)  # fmt: skip
def test_a_language_is_told_by_its_letters(text: str, language: str | None) -> None:
    assert language_of(text) == language
