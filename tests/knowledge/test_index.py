"""The search index: right after every change, in every process, on both engines; scores that mean the same everywhere."""

import threading
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadkeeper.knowledge import documents, stored
from leadkeeper.knowledge.documents import NewDocument
from leadkeeper.knowledge.index import Found, SearchIndex
from leadkeeper.knowledge.passages import split
from leadkeeper.knowledge.stored import Passage
from leadkeeper.store.database import Database

FAQ = [
    ("What are your opening hours?", "We are open from 9:00 to 20:00."),
    ("How much is a family visa?", "A family visa costs AED 4,200."),
    ("Where is your office?", "On Palm Street 12."),
    ("Do you deliver documents?", "Yes, by courier."),
    ("كم تستغرق الإقامة؟", "سبعة أيام عمل."),
]


def entry(number: int, question: str, answer: str, language: str = "en") -> Passage:
    return Passage(number, 1, "FAQ", "qa", None, question, answer, language, f"row {number}")


def index(pairs: Sequence[tuple[str, str]] = FAQ) -> SearchIndex:
    return SearchIndex.of([entry(n, q, a, "ar" if "؟" in q else "en") for n, (q, a) in enumerate(pairs)])


def teach(db: Database, title: str, text: str) -> int:
    document = db.write_now(documents.add, NewDocument(title, "faq", text))
    db.write_now(stored.replace, document.id, split(text, "txt"))
    return document.id


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("when do you open?", FAQ[0][1]),
        ("whats the cost of a famly visa", FAQ[1][1]),
        ("address please", FAQ[2][1]),
        ("can you DELIVER my document", FAQ[3][1]),
        ("كم تستغرق الاقامه", FAQ[4][1]),
    ],
)
def test_another_wording_a_slip_or_a_synonym_finds_the_entry(question: str, answer: str) -> None:
    assert index().search(question)[0].text == answer


def test_a_question_about_something_else_scores_low() -> None:
    found = index().search("who won the football match yesterday evening")

    assert all(each.score < 0.2 for each in found)


def test_one_entry_alone_does_not_answer_everything() -> None:
    single = index(FAQ[:1])

    assert single.search("What are your opening hours?")[0].score > 0.9
    assert all(found.score < 0.3 for found in single.search("Are pets allowed in the rooms?"))


def test_an_empty_index_and_an_empty_question_find_nothing() -> None:
    assert SearchIndex().search("anything") == []
    assert index().search("") == []
    assert index().search("؟!👍") == []


def test_the_same_answer_is_found_once() -> None:
    found = index([("Do you deliver?", "Yes."), ("Can you deliver it to me?", "yes."), ("Parking?", "No.")]).search(
        "do you deliver"
    )

    assert [each.text for each in found] == ["Yes."]


def test_prose_is_quoted_by_its_best_sentence() -> None:
    text = "We are a small firm. The deposit is AED 500. Parking is behind the house."
    prose = SearchIndex.of([Passage(1, 1, "About", "prose", None, None, text, "en", "characters 0-70")])

    (found,) = prose.search("how much is the deposit")

    assert found.answer == "The deposit is AED 500."


def test_the_customers_language_comes_first_among_equals() -> None:
    both = index([("Golden Visa price", "AED 1,000 en"), ("Golden Visa price؟", "AED 1,000 ar")])

    assert both.search("Golden Visa price", "ar")[0].language == "ar"
    assert both.search("Golden Visa price", "en")[0].language == "en"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.text("abcde ", max_size=30), st.text("abcde .", min_size=1, max_size=60)), max_size=12),
    st.text("abcde ", max_size=30),
)
def test_scores_are_shares_and_sorted(pairs: list[tuple[str, str]], question: str) -> None:
    found = index(pairs).search(question, "en", 5)

    scores = [each.score for each in found]
    assert all(0 < score <= 1 for score in scores)
    assert scores == sorted(scores, reverse=True)
    assert len(found) <= 5


def test_an_index_is_built_when_the_passages_changed_and_only_then(db: Database) -> None:
    mine = SearchIndex()
    assert db.read_now(mine.refresh) is True
    assert db.read_now(mine.refresh) is False

    teach(db, "Hours", "Q: When do you open?\nA: At nine.")

    assert db.read_now(mine.refresh) is True
    assert db.read_now(mine.refresh) is False
    assert mine.search("when do you open")[0].text == "At nine."


def test_a_deletion_is_seen_by_the_index_of_another_process(db: Database) -> None:
    number = teach(db, "Hours", "Q: When do you open?\nA: At nine.")
    mine, theirs = SearchIndex(), SearchIndex()
    db.read_now(mine.refresh)
    db.read_now(theirs.refresh)

    db.write_now(documents.delete, number)
    teach(db, "Hours", "Q: When do you open?\nA: At ten.")
    db.read_now(mine.refresh)
    db.read_now(theirs.refresh)

    assert texts(mine.search("when do you open")) == texts(theirs.search("when do you open")) == ["At ten."]


def test_passages_that_were_rolled_back_are_not_searched(db: Database) -> None:
    number = teach(db, "Hours", "Q: When do you open?\nA: At nine.")
    mine = SearchIndex()

    def broken(conn: object) -> None:
        stored.replace(conn, number, split("Q: When do you open?\nA: Never.", "txt"))  # type: ignore[arg-type]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        db.write_now(broken)
    db.read_now(mine.refresh)

    assert texts(mine.search("when do you open")) == ["At nine."]


def test_many_threads_may_refresh_and_search_at_once(db: Database) -> None:
    teach(db, "Hours", "Q: When do you open?\nA: At nine.")
    mine, found = SearchIndex(), []

    def work() -> None:
        db.read_now(mine.refresh)
        found.append(texts(mine.search("when do you open")))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [["At nine."]] * 8


def test_while_one_thread_builds_the_index_before_serves_the_others(db: Database) -> None:
    teach(db, "Hours", "Q: When do you open?\nA: At nine.")
    mine = SearchIndex()
    db.read_now(mine.refresh)
    teach(db, "More", "Q: Do you deliver?\nA: Yes.")

    with mine._building:
        assert db.read_now(mine.refresh) is False
        assert texts(mine.search("when do you open")) == ["At nine."]

    assert db.read_now(mine.refresh) is True
    assert texts(mine.search("do you deliver"))[0] == "Yes."


def texts(found: list[Found]) -> list[str]:
    return [each.text for each in found]
