"""Placeholders: an allow-list, neutral words for what is not known, and no junk ever used as a name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.rules.placeholders import FALLBACKS, fit_name, problem, render


@pytest.mark.parametrize(
    "name", ["Unknown WHATSAPP User", "user", "Guest", "971501234567", "+971 50 123", "👍👍", "", " ", ".", "x", "N/A",
    "null", "test",
             "WhatsApp User 12", "مستخدم", "a1b2c3d4e5", "Visitor 7", None]
)  # fmt: skip
def test_a_junk_name_is_never_used(name: str | None) -> None:
    assert fit_name(name) is None
    assert render("Hello {name}!", {"name": name}, "en") == "Hello there!"
    assert render("مرحبًا {name}", {"name": name}, "ar") == "مرحبًا عميلنا الكريم"


@pytest.mark.parametrize(
    ("name", "used"),
    [
        ("Ravi Kumar", "Ravi Kumar"), ("  ravi ", "ravi"), ("محمد علي", "محمد علي"), ("Ana 🌸", "Ana"), ("O'Neil", "O'Neil"),
        ("José", "José"), ("प्रिया", "प्रिया"), ("李明", "李明"), ("Anna " + "x" * 60, "Anna"), ("~ Sara ~", "Sara"),
        ("Bot{ta}", "Botta"),
    ],
)  # fmt: skip
def test_a_name_is_cleaned_and_used(name: str, used: str) -> None:
    assert fit_name(name) == used


def test_what_is_not_known_becomes_neutral_words_in_the_language() -> None:
    assert render("Your {expiry_kind} ends {expiry}", {"expiry_kind": "visa", "expiry": None}, "en") == "Your visa ends soon"
    assert render("Writing to {business}", {}, "fr") == "Writing to our team"


@pytest.mark.parametrize("text", ["{nme}", "{{name}}", "{lead.contact.fullName}", "{", "}", "a {name", "{}", "{name!r}"])
def test_an_unknown_placeholder_or_a_lone_brace_is_refused(text: str) -> None:
    assert problem(text)


@pytest.mark.parametrize("name", FALLBACKS)
def test_every_placeholder_has_neutral_words_in_both_languages(name: str) -> None:
    assert problem(f"x {{{name}}} {{ {name} }}") is None
    assert render(f"{{{name}}}", {}, "en")
    assert render(f"{{{name}}}", {}, "ar") != render(f"{{{name}}}", {}, "en")


@given(st.text(), st.dictionaries(st.sampled_from(sorted(FALLBACKS)), st.none() | st.text()))
def test_no_brace_of_a_text_ever_reaches_a_customer(text: str, values: dict[str, str | None]) -> None:
    shown = render(text, values, "en")

    assert "{" not in shown
    assert "}" not in shown
