"""/knowledge: adding, changing, asking; every act is a plain form."""

import pytest

from leadkeeper.access.roles import Role
from leadkeeper.knowledge import documents, passages, stored
from leadkeeper.knowledge.uploads import NewDocument
from leadkeeper.rules.word_rows import seed as seed_lexicon
from tests.web.conftest import Desk

PRICES = "question,answer\nHow much is a family visa?,A family visa costs AED 4650.\nWhere are you?,In Deira.\n"


def learn(desk: Desk, content: str = PRICES, format_: str = "csv") -> int:
    made = desk.db.write_now(documents.add, NewDocument("Prices", "faq", content, format_))
    desk.db.write_now(stored.replace, made.id, passages.split(content, format_))
    desk.db.write_now(documents.mark_indexed, made.id)
    return made.id


async def test_a_pasted_text_and_a_file_are_listed_with_their_state(desk: Desk) -> None:
    admin = desk.caller(Role.ADMIN)

    pasted = await admin.post("/knowledge", data={"content": "# Hours\nWe open at nine.", "type": "guidance"})
    uploaded = await admin.post("/knowledge", files={"file": ("faq.csv", PRICES.encode(), "text/csv")}, data={"type": "faq"})
    shown = await admin.get("/knowledge")

    assert [pasted.status_code, uploaded.status_code] == [303, 303]
    assert "Hours" in shown.text
    assert "faq.csv" in shown.text
    assert shown.text.count("is-queued") == 2


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("plan.pdf", b"%PDF-1.4", "PDF files cannot be read yet"),
        ("plan.docx", b"PK\x03\x04", "Word files cannot be read yet"),
        ("prices.csv", b"a,b\n1,2\n", "columns question and answer"),
        ("empty.txt", b"", "choose a file that is not empty"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_with_its_reason(desk: Desk, name: str, content: bytes, words: str) -> None:
    answer = await desk.caller(Role.ADMIN).post("/knowledge", files={"file": (name, content, "x/y")}, data={"type": "faq"})

    assert answer.status_code == 400
    assert words in answer.text
    assert desk.db.read_now(documents.list_all) == []


async def test_a_document_shows_its_passages_and_finds_the_one_asked_for(desk: Desk) -> None:
    document_id = learn(desk)
    last = desk.db.read_now(stored.of_document, document_id)[-1]

    shown = await desk.caller(Role.VIEWER).get(f"/knowledge/{document_id}?passage={last.id}")

    assert f'id="p-{last.id}"' in shown.text
    assert "In Deira." in shown.text
    assert "/edit" not in shown.text


async def test_prose_shows_every_word_of_it_once(desk: Desk) -> None:
    text = "# Guide\n" + " ".join(f"Sentence number {n} says something of its own." for n in range(120))
    document_id = learn(desk, text, "md")

    shown = await desk.caller(Role.VIEWER).get(f"/knowledge/{document_id}")

    assert "Guide" in shown.text
    assert all(f"Sentence number {n} says" in shown.text for n in range(120))


async def test_a_document_is_changed_read_again_and_deleted(desk: Desk) -> None:
    document_id, admin = learn(desk), desk.caller(Role.ADMIN)

    changed = await admin.post(f"/knowledge/{document_id}/edit", data={"title": "New prices", "type": "faq", "content": PRICES})
    other = await admin.post(
        f"/knowledge/{document_id}/edit", data={"title": "x", "type": "faq"}, files={"file": ("a.txt", b"hello", "text/plain")}
    )
    again = await admin.post(f"/knowledge/{document_id}/reindex")
    title = desk.db.read_now(documents.get, document_id).title
    deleted = await admin.post(f"/knowledge/{document_id}/delete")

    assert [changed.status_code, other.status_code, again.status_code, deleted.status_code] == [303, 400, 303, 303]
    assert title == "New prices"
    assert desk.db.read_now(documents.list_all) == []


async def test_the_ask_box_gives_the_answer_with_its_scores(desk: Desk) -> None:
    learn(desk)

    told = await desk.caller(Role.AGENT).post(
        "/knowledge/ask", data={"question": "How much is a family visa?", "language": "auto"}
    )

    assert "The customer would get this answer" in told.text
    assert "A family visa costs AED 4650." in told.text
    assert "0.35 is needed" in told.text


async def test_the_ask_box_says_when_a_person_would_answer_and_why(desk: Desk) -> None:
    learn(desk)
    agent = desk.caller(Role.AGENT)

    unknown = await agent.post("/knowledge/ask", data={"question": "Do you repair bicycles?", "language": "en"})
    foreign = await agent.post("/knowledge/ask", data={"question": "كم تكلفة تأشيرة العائلة؟", "language": "auto"})
    nothing = await agent.post("/knowledge/ask", data={"question": " ", "language": "auto"})

    assert "A person would answer" in unknown.text
    assert "A person would answer" in foreign.text
    assert (nothing.status_code, "Write a question." in nothing.text) == (400, True)


async def test_the_ask_box_warns_of_words_that_rules_hand_over(desk: Desk) -> None:
    learn(desk)
    desk.db.write_now(seed_lexicon)

    told = await desk.caller(Role.AGENT).post("/knowledge/ask", data={"question": "I want a refund", "language": "auto"})

    assert "Rules look first" in told.text
    assert "they want money back" in told.text


async def test_a_page_in_arabic_says_the_place_of_a_passage_in_arabic(desk: Desk) -> None:
    document_id = learn(desk)
    viewer = desk.caller(Role.VIEWER)
    await viewer.post("/look", data={"language": "ar", "back": "/knowledge"})

    shown = await viewer.get(f"/knowledge/{document_id}")

    assert "الصف" in shown.text


async def test_who_only_reads_sees_no_form(desk: Desk) -> None:
    learn(desk)
    viewer = desk.caller(Role.VIEWER)

    shown = await viewer.get("/knowledge")
    refused = [await viewer.post(path) for path in ("/knowledge", "/knowledge/ask", "/knowledge/1/delete", "/knowledge/reindex")]

    assert "<textarea" not in shown.text
    assert {answer.status_code for answer in refused} == {403}
