"""Uploaded files: what is read, what is refused and with which reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.errors import Invalid
from leadkeeper.knowledge.uploads import clean, decode, entries, from_upload

LIMIT = 1000


@pytest.mark.parametrize(
    ("name", "word"),
    [("a.pdf", "PDF"), ("a.docx", "Word"), ("a.DOC", "Word"), ("a.xlsx", "CSV"), ("a.png", ".txt"), ("noending", ".txt")],
)
def test_a_type_that_cannot_be_read_is_refused_with_what_to_do(name: str, word: str) -> None:
    with pytest.raises(Invalid) as refused:
        from_upload(name, b"text", "Title", "faq", LIMIT)

    assert word in refused.value.fields["file"]


def test_a_pdf_that_calls_itself_text_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        from_upload("prices.txt", b"%PDF-1.7 ...", "Prices", "faq", LIMIT)

    assert "file" in refused.value.fields


@pytest.mark.parametrize(
    ("data", "title", "type_", "field"),
    [(b"", "T", "faq", "file"), (b"x" * 1001, "T", "faq", "file"), (b"x", " ", "faq", "title"), (b"x", "T", "poem", "type"),
     (b" \n", "T", "faq", "content"), (b"x", "T" * 301, "faq", "title")],
)  # fmt: skip
def test_each_bad_field_is_named(data: bytes, title: str, type_: str, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        from_upload("a.txt", data, title, type_, LIMIT)

    assert field in refused.value.fields


def test_the_name_decides_and_a_folder_in_it_is_dropped() -> None:
    taken = from_upload("C:\\papers\\Prices.MD", b"# Prices", "Prices", " FAQ ", LIMIT)

    assert (taken.format, taken.filename, taken.type) == ("md", "Prices.MD", "faq")


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "cp1256"])
def test_arabic_text_is_read_in_every_usual_encoding(codec: str) -> None:
    text = "ساعات العمل من التاسعة صباحا"

    assert decode(text.encode(codec)) == text


@pytest.mark.parametrize("text", ["Café très cher – déjà vu", "Öffnungszeiten: täglich", "plain", "price: 30 €"])
def test_accented_latin_in_the_windows_code_page_is_not_taken_for_arabic(text: str) -> None:
    assert decode(text.encode("cp1252")) == text


def test_what_no_database_can_store_is_replaced() -> None:
    assert clean("a\x00b\ud800c\r\nd\x07e") == "a\ufffdb\ufffdc\nd e"


@given(st.binary(max_size=200))
def test_any_bytes_become_text_that_can_be_stored(data: bytes) -> None:
    text = decode(data)

    assert "\x00" not in text
    text.encode("utf-8")


@pytest.mark.parametrize(
    "content",
    [
        "question,answer\nOpen?,From 9.\n",
        "Answer;Question\nFrom 9.;Open?\n",
        "ID\tQUESTION \tAnswer:\n1\tOpen?\tFrom 9.\n",
        'السؤال,الجواب\n"Open?","From 9."\n',
        "س,الإجابة\nOpen?,From 9.\n",
    ],
)
def test_question_and_answer_columns_are_found_whatever_they_are_called(content: str) -> None:
    assert entries(content) == [(2, "Open?", "From 9.")]


def test_rows_that_lack_a_question_or_an_answer_are_left_out_and_lines_are_counted_as_written() -> None:
    content = 'question,answer\nOpen?,\n,From 9.\nshort\n"Two\nlines?","Yes."\n'

    assert entries(content) == [(6, "Two\nlines?", "Yes.")]


@pytest.mark.parametrize(
    "content", ["name,price\nvisa,100\n", "question,answer\n", "question,answer\n,\n", "", 'question,answer\n"' + "x" * 140_000]
)
def test_a_csv_without_entries_is_refused_with_the_reason(content: str) -> None:
    with pytest.raises(Invalid) as refused:
        entries(content)

    assert refused.value.fields["file"]


def test_a_csv_upload_is_checked_at_once() -> None:
    with pytest.raises(Invalid):
        from_upload("a.csv", b"name,price\nvisa,100", "Prices", "faq", LIMIT)
