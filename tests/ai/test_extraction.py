"""Field extraction: what is stated is taken, what would be a guess is not, and no text ever raises."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.ai import dates
from leadkeeper.ai.extraction import extract
from leadkeeper.crm.expiries import KINDS
from leadkeeper.rules.word_rows import first_words
from leadkeeper.rules.words import Lexicon

LEXICON = Lexicon(first_words())
TODAY = date(2027, 1, 5)


def read(text: str, asked: str | None = None) -> dict[str, Any]:
    return extract(text, LEXICON, asked, TODAY).fields()


@pytest.mark.parametrize(
    ("text", "service"),
    [
        ("I need a family visa", "family_visa"),
        ("famly visa price?", "family_visa"),
        ("visa for my wife pls", "family_visa"),
        ("how much is the golden visa", "golden_visa"),
        ("goldn vissa", None),
        ("golden vissa", "golden_visa"),
        ("I want to set up a company in the free zone", "freezone_company"),
        ("freezone company setup", "freezone_company"),
        ("open a company", "company_setup"),
        ("trade lisence", "company_setup"),
        ("renew my trade licence", "licence_renewal"),
        ("visa renewal", "visa_renewal"),
        ("i want to cancel my visa", "visa_cancellation"),
        ("extend my visit visa", "visit_visa"),
        ("tourist vissa 30 days", "visit_visa"),
        ("work permit for my employee", "employment_visa"),
        ("maid visa", "domestic_worker_visa"),
        ("أريد الإقامة الذهبية", "golden_visa"),
        ("الاقامه الذهبيه كم", "golden_visa"),
        ("ابي فيزا زوجتي", "family_visa"),
        ("وتأسيس شركة في دبي", "company_setup"),
        ("تجديد الرخصة التجارية", "licence_renewal"),
        ("تمديد الزيارة", "visit_visa"),
        ("فتح حساب بنكي", "bank_account"),
        ("hello", None),
        ("my child is professional, is it possible to do it", None),
        ("I provide services", None),
    ],
)
def test_the_service_is_the_longest_phrase_that_stands_as_whole_words(text: str, service: str | None) -> None:
    found = read(text)

    assert found.get("service") == service
    assert found.get("service_text") == (text if service else None)


def test_an_unmapped_answer_to_our_question_keeps_the_customers_own_words() -> None:
    assert read("something with boats", "service") == {"service_text": "something with boats"}
    assert "service" not in read("ok", "nationality")


@pytest.mark.parametrize(
    ("text", "asked", "nationality"),
    [
        ("I am Indian", None, "Indian"),
        ("I'm an egyptian citizen", None, "Egyptian"),
        ("im from Pakistan", None, "Pakistani"),
        ("Nationality: Sri Lanka", None, "Sri Lankan"),
        ("nationality is British, I need a visa", None, "British"),
        ("I have a Filipino passport", None, "Filipino"),
        ("انا مصري واريد فيزا", None, "Egyptian"),
        ("جنسيتي: هندية", None, "Indian"),
        ("USA", "nationality", "American"),
        ("phillipines", "nationality", "Filipino"),
        ("سوري", "nationality", "Syrian"),
        ("my wife is Filipina", None, None),
        ("is it possible for Indian nationals?", None, None),
        ("I am from Dubai", None, None),
        ("I am an Indian restaurant owner", None, None),
        ("Indian or Pakistani", "nationality", None),
        ("I was in India and I am looking for the embassy of Egypt to attest", None, None),
        ("USA", None, None),
    ],
)
def test_a_nationality_is_taken_only_when_stated(text: str, asked: str | None, nationality: str | None) -> None:
    assert read(text, asked).get("nationality") == nationality


@pytest.mark.parametrize(
    "text",
    [
        "12/03/2027", "12-3-2027", "12.03.2027", "12/3/27", "12 March 2027", "12th of march, 2027", "12 mar 2027",
        "12-Mar-2027",
        "March 12, 2027", "march 12th 2027", "2027-03-12", "2027/03/12", "١٢/٠٣/٢٠٢٧", "١٢ مارس ٢٠٢٧",
        "12 آذار 2027", "12 من مارس 2027",
        "۱۲/۰۳/۲۰۲۷", "１２/０３/２０２７", "12 / 03 / 2027",
    ],
)  # fmt: skip
def test_an_explicit_date_is_read_day_first(text: str) -> None:
    assert [found.date for found in dates.find(text, TODAY)] == [date(2027, 3, 12)]
    assert read(f"my visa expires on {text}") == {"expiries": {"visa": date(2027, 3, 12)}}


@pytest.mark.parametrize(
    "text",
    [
        "next month", "in 2 weeks", "tomorrow", "March 2027", "مارس 2027", "03/2027", "12/03", "12 March", "2027",
        "in the summer",
        "31/02/2027", "32/01/2027", "12/13/2027", "0/0/0000", "00/00/2027", "12/03/1850", "12/03/2190",
        "12/03/20277", "1/2/3/2027",
        "+971/12/03/2027", "الشهر القادم", "بعد اسبوعين", "v12/03/2027", "192.168.1.2027", "12/03-2027",
    ],
)  # fmt: skip
def test_a_date_that_would_be_a_guess_is_refused(text: str) -> None:
    assert dates.find(text, TODAY) == []
    assert read(f"my visa expires {text}").get("expiries") is None


@pytest.mark.parametrize(
    ("text", "expiries"),
    [
        ("My Emirates ID will expire on 5/6/2027", {"emirates_id": date(2027, 6, 5)}),
        ("passport valid until 1 April 2028", {"passport": date(2028, 4, 1)}),
        ("trade license expiry: 12/3/27", {"trade_licence": date(2027, 3, 12)}),
        ("visa expires 1/2/2027 and passport expires 3/4/2029", {"visa": date(2027, 2, 1), "passport": date(2029, 4, 3)}),
        ("my licence was issued on 1/2/2026 and expires on 1/2/2027", {"trade_licence": date(2027, 2, 1)}),
        ("إقامتي تنتهي في ١٢/٣/٢٠٢٧", {"visa": date(2027, 3, 12)}),
        ("الرخصة التجارية صالحة حتى 12 ابريل 2027, انتهاء الرخصة 12 ابريل 2027", {"trade_licence": date(2027, 4, 12)}),
        ("my labour card is ending on 9-9-2027", {"labour_card": date(2027, 9, 9)}),
        ("I was born on 12/03/1998, my visa", None),
        ("my visa was issued on 12/03/2026", None),
        ("I travel on 12/03/2027, is my visa ok", None),
        ("visa appointment on 12/03/2027", None),
        ("12/03/2027", None),
        ("expires on 12/03/2027", None),
    ],
)
def test_a_date_counts_only_when_it_is_said_what_ends_on_it(text: str, expiries: dict[str, date] | None) -> None:
    assert read(text).get("expiries") == expiries


def test_a_bare_date_answers_our_question_for_it() -> None:
    assert read("12.03.2027", "expiry:passport") == {"expiries": {"passport": date(2027, 3, 12)}}
    assert read("next month", "expiry:passport") == {}
    assert read("1/2/2027 or 3/4/2027", "expiry:passport") == {}


def test_every_kind_of_expiry_the_words_name_is_one_the_books_know() -> None:
    assert {value for name, _, _, value in first_words() if name == "expiry"} <= set(KINDS)


@pytest.mark.parametrize(
    ("text", "asked", "name"),
    [
        ("My name is Ravi Kumar and I need a visa", None, "Ravi Kumar"),
        ("my name's Sara", None, "Sara"),
        ("This is Ahmed from Al Ain", None, "Ahmed"),
        ("Name: José García", None, "José García"),
        ("اسمي محمد علي", None, "محمد علي"),
        ("الاسم: فاطمة", None, "فاطمة"),
        ("Mohammed Al-Sayed", "name", "Mohammed Al-Sayed"),
        ("راشد", "name", "راشد"),
        ("this is urgent", None, None),
        ("This is Urgent", None, None),
        ("what is your name", None, None),
        ("this is not what I asked", None, None),
        ("hello", "name", None),
        ("why do you ask", "name", None),
        ("12345", "name", None),
        ("my name is", None, None),
        ("no", "name", None),
        ("Ravi", None, None),
    ],
)
def test_a_name_is_stated_or_answers_our_question(text: str, asked: str | None, name: str | None) -> None:
    assert read(text, asked).get("name") == name


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("write to Ravi.K+visa@Example.co.uk please", {"email": "ravi.k+visa@example.co.uk"}),
        ("a@b", {}),
        ("call +971 50 123 4567", {"phone": "+971501234567"}),
        ("00971501234567", {"phone": "+971501234567"}),
        ("٠٥٠١٢٣٤٥٦٧", {"phone": "0501234567"}),
        ("(050) 123-4567", {"phone": "0501234567"}),
        ("my file is 12345", {}),
        ("order 1234567890", {}),
        ("my passport no. is 123456789", {}),
        ("رقم الطلب 1234567890", {}),
        ("784199012345671", {}),
        ("account number 0501234567, phone 0507654321", {"phone": "0507654321"}),
        ("AED 15,000 and 2,000", {}),
        ("2027-03-12 10:30", {}),
        ("2 partners and 3 visas", {"partners": 2, "visas": 3}),
        ("two shareholders, five visas", {"partners": 2, "visas": 5}),
        ("we are 3 business partners", {"partners": 3}),
        ("٣ شركاء و ٤ تأشيرات", {"partners": 3, "visas": 4}),
        ("شريكين", {"partners": 2}),
        ("60 days visas", {}),
        ("2 partner visas", {"visas": 2}),
        ("a partner visa", None),
        ("9999 visas", {}),
    ],
)
def test_addresses_and_counts(text: str, fields: dict[str, Any] | None) -> None:
    found = {name: value for name, value in read(text).items() if name in ("email", "phone", "partners", "visas")}

    assert found == (fields or {})


@pytest.mark.parametrize(
    ("text", "asked", "fields"),
    [
        ("3", "partners", {"partners": 3}),
        ("just three", "visas", {"visas": 3}),
        ("ثلاثة", "visas", {"visas": 3}),
        ("2 or 3", "visas", {}),
        ("many", "visas", {}),
        ("3", None, {}),
        ("3", "name", {}),
    ],
)
def test_a_bare_number_answers_our_question_for_it(text: str, asked: str | None, fields: dict[str, int]) -> None:
    assert read(text, asked) == fields


def test_a_long_message_is_not_taken_for_an_answer() -> None:
    assert read("well that is hard to say because we are still thinking about 3", "partners") == {}
    assert read("could you please first tell me what this costs", "name") == {}


def test_everything_in_one_message() -> None:
    text = "Hi, my name is Ana Cruz, I am Filipina. I need a family visa, my visa expires on 1/2/2027. ana@x.ph +63 917 123 4567"

    assert read(text) == {
        "service": "family_visa",
        "service_text": text,
        "nationality": "Filipino",
        "name": "Ana Cruz",
        "email": "ana@x.ph",
        "phone": "+639171234567",
        "expiries": {"visa": date(2027, 2, 1)},
    }


questions = st.sampled_from([None, "name", "service", "nationality", "partners", "visas", "expiry:visa", "email", "what?"])
texts = st.text(max_size=200) | st.lists(
    st.sampled_from(["my name is", "I am", "12", "/", "03", "2027", "visa", "expires", "٣", "مارس", "@", "a.b", "+",
    "\ud800", "\x00", "Indian", "3 partners"]),
    max_size=15,
).map(" ".join)  # fmt: skip


@given(texts, questions)
def test_any_text_can_be_read_and_always_alike(text: str, asked: str | None) -> None:
    first = extract(text, LEXICON, asked, TODAY)

    assert first == extract(text, LEXICON, asked, TODAY)
    for value in first.fields().values():
        assert value not in ("", None, {})
    assert all(0 <= count <= 500 for count in first.counts.values())
    assert all(abs(found.year - TODAY.year) <= 30 for found in first.expiries.values())


@given(st.dates(date(2000, 1, 1), date(2055, 12, 31)), st.sampled_from(["/", "-", "."]))
def test_every_day_written_day_first_is_read_back(day: date, sign: str) -> None:
    written = f"{day.day}{sign}{day.month}{sign}{day.year}"

    assert [found.date for found in dates.find(f"until {written}.", TODAY)] == [day]


def test_a_very_long_message_is_read_in_reasonable_time() -> None:
    assert read("my name is " * 20_000 + " 1/" * 20_000 + "a@" * 20_000) is not None
