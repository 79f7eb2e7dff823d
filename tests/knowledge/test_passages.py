"""Cutting documents: every word is kept, questions keep their answers, prose is packed with its place."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.knowledge.passages import LONGEST_ANSWER, MOST_WORDS, Piece, split
from leadkeeper.knowledge.sentences import sentences


def entries(text: str, format_: str = "md") -> list[tuple[str | None, str]]:
    return [(piece.question, piece.text) for piece in split(text, format_) if piece.kind == "qa"]


def stretch(piece: Piece, text: str) -> str:
    start, end = map(int, piece.place.removeprefix("characters ").split("-"))
    return text[start:end]


@pytest.mark.parametrize(
    "text",
    [
        "Q: Do you deliver?\nA: Yes, by courier.",
        "1. Question: Do you deliver?\nAnswer: Yes, by courier.",
        "**Q1:** Do you deliver?\n**A1:** Yes, by courier.",
        "## Do you deliver?\n\nYes, by courier.\n\n## About us",
        "Do you deliver?\nYes, by courier.\n\nWe are a company.",
        "Do you deliver?\n\nYes, by courier.\n\nWe are a company.",
    ],
)
def test_a_question_and_its_answer_are_one_passage_however_they_are_written(text: str) -> None:
    assert entries(text) == [("Do you deliver?", "Yes, by courier.")]


@pytest.mark.parametrize(
    "text",
    ["س: هل توصلون؟\nج: نعم.", "السؤال: هل توصلون؟\nالجواب: نعم.", "# هل توصلون؟\nنعم.", "سؤال 1: هل توصلون؟\nالإجابة: نعم."],
)
def test_arabic_questions_and_answers_are_read_too(text: str) -> None:
    assert entries(text) == [("هل توصلون؟", "نعم.")]
    assert split(text, "txt")[0].language == "ar"


def test_an_answer_of_several_paragraphs_goes_on_to_the_next_question() -> None:
    text = "Q: What do I need?\nA: A passport.\n\nAnd a photo.\n\nQ: How long?\nA: Two days."

    assert entries(text) == [("What do I need?", "A passport.\n\nAnd a photo."), ("How long?", "Two days.")]


def test_a_question_inside_a_sentence_of_prose_is_prose() -> None:
    assert entries("Why choose us? Because we are fast.") == []


def test_a_row_of_a_csv_is_a_passage_with_its_row_as_place() -> None:
    (piece,) = split("question,answer\nOpen?,From 9.\n", "csv")

    assert (piece.kind, piece.question, piece.text, piece.place) == ("qa", "Open?", "From 9.", "row 2")


def test_a_table_row_carries_the_names_of_its_columns() -> None:
    text = "# Fees\n\n| Service | Price |\n|---|---|\n| Visa | AED 4,200 |\n"

    (piece,) = split(text, "md")

    assert (piece.text, piece.heading) == ("Service: Visa, Price: AED 4,200", "Fees")


def test_headings_become_a_path_and_prose_never_crosses_one() -> None:
    text = "# Visas\n\n## Family\n\nFor wife and children.\n\n## Work\n\nFor staff.\n\n# Banks\n\nWe help."

    assert [(piece.heading, piece.text) for piece in split(text, "md")] == [
        ("Visas > Family", "For wife and children."),
        ("Visas > Work", "For staff."),
        ("Banks", "We help."),
    ]


def test_underlined_headings_are_headings() -> None:
    assert [piece.heading for piece in split("Visas\n=====\n\nWe help.", "md")] == ["Visas"]


def test_long_prose_is_packed_with_one_sentence_of_overlap() -> None:
    text = " ".join(f"Sentence number {n} tells you one thing about the visa for your family." for n in range(60))

    pieces = split(text, "txt")

    assert all(100 <= len(piece.text.split()) <= MOST_WORDS for piece in pieces)
    for one, next_ in pairwise(pieces):
        assert sentences(one.text)[-1] in sentences(next_.text)


def test_an_answer_too_long_for_a_message_becomes_prose_under_its_question() -> None:
    pieces = split("Q: What are the rules?\nA: " + "This is a rule. " * (LONGEST_ANSWER // 10), "txt")

    assert {piece.kind for piece in pieces} == {"prose"}
    assert {piece.heading for piece in pieces} == {"What are the rules?"}


def test_a_piece_said_twice_is_kept_once() -> None:
    text = "Q: Open?\nA: From 9.\n\nQ: OPEN?\nA: From  9."

    assert len(split(text, "txt")) == 1


def test_a_text_without_full_stops_is_cut_too() -> None:
    assert all(len(piece.text.split()) <= MOST_WORDS for piece in split("word " * 1000, "txt"))
    assert len(split("字" * 9000, "txt")) > 1


def test_an_abbreviation_ends_no_sentence() -> None:
    assert sentences("Ask Mr. Omar at 9 a.m. daily. He helps. كم السعر؟ مئة") == [
        "Ask Mr. Omar at 9 a.m. daily.", "He helps.", "كم السعر؟", "مئة",
    ]  # fmt: skip


@given(st.text(st.sampled_from("ab \n#|?.Q:Aس؟ج-=1*"), max_size=300))
def test_every_prose_and_answer_is_a_stretch_of_the_document_at_its_place(text: str) -> None:
    for piece in split(text, "md"):
        if not (piece.kind == "prose" and stretch(piece, text).lstrip().startswith("|")):
            assert stretch(piece, text) == piece.text
            assert piece.text.strip()


@given(st.lists(st.text("abcdefg", min_size=1, max_size=8), min_size=1, max_size=600), st.integers(3, 40))
def test_no_word_of_prose_is_lost(found: list[str], every: int) -> None:
    text = " ".join(word + ("." if place % every == 0 else "") for place, word in enumerate(found))

    kept = " ".join(piece.text for piece in split(text, "txt"))

    assert set(text.split()) <= set(kept.split())
