"""Word lists: whole words, the longest match, whole messages where it matters, fast enough for every message."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.rules import word_rows, words
from leadkeeper.rules.words import Lexicon

OURS = Lexicon(word_rows.first_words())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("STOP", "opt_out"),
        ("  stop!! 🛑", "opt_out"),
        ("Stop.", "opt_out"),
        ("STOP STOP stop", "opt_out"),
        ("Don't message me", "opt_out"),
        ("إلغاء الاشتراك", "opt_out"),
        ("الغاء الإشتراك", "opt_out"),
        ("أوقفوا الرسائل.", "opt_out"),
        ("बंद करो", "opt_out"),
        ("band karo", "opt_out"),
        ("بند کریں", "opt_out"),
        ("ARRÊTEZ", "opt_out"),
        ("arretez", "opt_out"),
        ("Darme de baja", "opt_out"),
        ("Abmelden", "opt_out"),
        ("sair", "opt_out"),
        ("START", "opt_in"),
        ("thank you!!! 🙏", "acknowledgement"),
        ("شكراً جزيلاً", "acknowledgement"),
        ("Hello 👋", "greeting"),
        ("السلام عليكم", "greeting"),
    ],
)
def test_a_whole_message_that_is_such_a_word_is_found(text: str, expected: str) -> None:
    assert expected in OURS.lists_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "please don't stop", "can I stop by tomorrow?", "I want to cancel my visa", "cancel", "no", "the bus stop near you",
        "how do I start a company", "ابي الغاء التأشيرة", "الغاء", "where do I start", "stopover visa", "ok how much is it",
        "thanks, and how long does it take?", "متى ينتهي الدوام وقف", "hello, what is the price",
    ],
)  # fmt: skip
def test_those_words_inside_a_longer_message_are_not(text: str) -> None:
    assert not OURS.lists_in(text).keys() & {"opt_out", "opt_in", "acknowledgement", "greeting"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("can I talk to a human please", "human"),
        ("Human", "human"),
        ("pls call me", "human"),
        ("I don't want to talk to a bot", "human"),
        ("أريد التحدث مع موظف", "human"),
        ("ابغى اكلم المدير لو سمحت", "human"),
        ("موظف", "human"),
        ("this is ridiculous", "anger"),
        ("حسبي الله ونعم الوكيل فيكم", "anger"),
        ("my lawyer will contact you", "legal"),
        ("you are scammers", "legal"),
        ("برفع قضية عليكم", "legal"),
        ("انتم نصابين", "legal"),
        ("I want my money back", "refund"),
        ("can i get a REFUND?", "refund"),
        ("رجعوا لي فلوسي", "refund"),
        ("والاسترداد متى", "refund"),
        ("you charged me twice", "payment"),
        ("I already paid yesterday", "payment"),
        ("انا دفعت الرسوم ولم استلم شي", "payment"),
        ("I want to make a complaint", "complaint"),
        ("nobody replied to me", "complaint"),
        ("عندي شكوى على موظفكم", "complaint"),
        ("ليش ما تردون", "complaint"),
    ],
)
def test_words_that_hand_over_are_found_inside_a_sentence(text: str, expected: str) -> None:
    assert expected in OURS.lists_in(text)


@pytest.mark.parametrize(
    "text",
    [
        "how can I pay?", "do you accept card payment?", "what are the payment methods",
        "is there an extra charge for parking?",
        "do I need a police clearance certificate?", "power of attorney attestation", "is there a tennis court",
        "تأشيرة موظف كم سعرها", "كم غرامة تأخير الاقامة", "هل يسمح بالكلاب", "شهادة حسن سيرة من الشرطة",
        "how much is the family visa",
        "what are your opening hours?", "كم رسوم الهوية", "طرق الدفع المتاحة", "human resources manager visa",
        "is it refundable?",
        "وكيل خدمات", "how long does it take", "فيزا مدير",
    ],
)  # fmt: skip
def test_ordinary_questions_do_not_hand_over(text: str) -> None:
    assert not OURS.lists_in(text).keys() & set(words.CLASSES)


@pytest.mark.parametrize("name", words.CLASSES)
@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_hand_over_class_has_at_least_40_phrases_and_each_is_found(name: str, language: str) -> None:
    phrases = {phrase for listed, spoken, phrase, _ in word_rows.first_words() if (listed, spoken) == (name, language)}

    assert len({words.tokens(phrase) for phrase in phrases}) >= 40
    assert [phrase for phrase in phrases if name not in OURS.lists_in(phrase.removeprefix("="))] == []


def test_no_phrase_stands_for_two_values() -> None:
    meant: dict[tuple[str, tuple[str, ...]], set[str]] = {}
    for name, _, phrase, value in word_rows.first_words():
        meant.setdefault((name, words.tokens(phrase.removeprefix("="))), set()).add(value)

    assert [key for key, values in meant.items() if len(values) > 1] == []


def test_the_longest_of_overlapping_phrases_wins() -> None:
    lexicon = Lexicon(
        [
            ("service", "en", "visa", "any"),
            ("service", "en", "golden visa", "golden"),
            ("service", "en", "visa renewal fee", "fee"),
        ]
    )

    assert [hit.value for hit in lexicon.find("service", "golden visa renewal fee")] == ["fee"]
    assert [hit.value for hit in lexicon.find("service", "the golden visa, please; a visa")] == ["golden", "any"]


@pytest.mark.parametrize("text", ["professional", "bit", "children's page", "provisional", "it", "pro"])
def test_a_phrase_never_matches_a_part_of_a_word(text: str) -> None:
    assert not [hit for hit in OURS.match(text) if hit.list == "service"]


def test_a_phrase_marked_alone_matches_only_the_whole_message() -> None:
    lexicon = Lexicon([("human", "en", "=agent", "")])

    assert lexicon.lists_in("Agent!") == {"human": "=agent"}
    assert lexicon.lists_in("insurance agent visa") == {}


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    for hit in OURS.match(text):
        assert 0 <= hit.start < hit.end <= len(words.tokens(text))


@given(st.text(max_size=80))
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    once = words.normalise(text)

    assert words.normalise(once) == once


def test_reading_a_message_takes_microseconds() -> None:
    text = "Hello, I would like to know how much the family visa costs for my wife and two children, and how long it takes"
    OURS.match(text)

    begun = time.thread_time()
    for _ in range(200):
        OURS.match(text)

    assert (time.thread_time() - begun) / 200 < 0.002
