"""Words: everything shown exists in Arabic, plurals are right, values stay in one piece."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from markupsafe import Markup

from leadkeeper import clock
from leadkeeper.access.roles import Role
from leadkeeper.store.schema import SEND_STATES, STAGES
from leadkeeper.web import filters
from leadkeeper.web.errors import WHAT_TO_DO
from leadkeeper.web.frame import Banner
from leadkeeper.web.render import TEMPLATES, environment
from leadkeeper.web.routes import PAGES
from leadkeeper.web.words import FIRST_ISOLATE, POP_ISOLATE, catalogue, plural_form, t

WEB = Path(filters.__file__).parent
QUOTED = r'"((?:[^"\\]|\\.)+)"'
STATES = ("pending", "processing", "completed", "failed", "cancelled", "scheduled", "answered", "handed_over", "silent")


def shown_texts() -> set[str]:
    """Every text the templates and the pages' Python hand to the reader."""
    found: set[str] = set()
    for path in TEMPLATES.rglob("*.html"):
        text = re.sub(r"{#.*?#}", "", path.read_text(), flags=re.S)
        found.update(re.findall(r"\bt\(" + QUOTED, text))
        found.update(re.findall(r"\bt\('((?:[^'\\]|\\.)+)'", text))
    for path in WEB.rglob("*.py"):
        text = path.read_text()
        found.update(re.findall(r"\bredirect\(\s*request,\s*[^\n]*?,\s*" + QUOTED + r"[,)]", text))
        found.update(re.findall(r"\bmissing=" + QUOTED, text))
        found.update(re.findall(r"\bt\(\w+(?:\.\w+)*, " + QUOTED, text))
        found.update(re.findall(r"errors\[\w+\] = " + QUOTED, text))
    found.update(entry.title for entry in PAGES.all().values() if entry.title)
    found.update(WHAT_TO_DO.values())
    return found


def test_every_text_is_there_in_arabic() -> None:
    shown = {text.replace("\\n", "\n").replace("\\", "") for text in shown_texts()}
    missing = sorted(text for text in shown if text not in catalogue("ar") and not text.startswith("/"))

    assert missing == []


@pytest.mark.parametrize("word", [*STATES, *SEND_STATES, *STAGES, *Role])
def test_every_stored_word_has_arabic(word: str) -> None:
    assert filters.humanise(word) in catalogue("ar")


def test_translations_keep_their_placeholders() -> None:
    for language in ("ar", "en"):
        for key, forms in catalogue(language).items():
            wanted = set(re.findall(r"{(\w+)}", key))
            for form in [forms] if isinstance(forms, str) else forms.values():
                used = set(re.findall(r"{(\w+)}", form))
                assert used <= wanted, key
                assert isinstance(forms, dict) or used == wanted, key
            assert isinstance(forms, str) or "other" in forms, key


@pytest.mark.parametrize(
    ("number", "form"),
    [
        (0, "zero"),
        (1, "one"),
        (2, "two"),
        (3, "few"),
        (10, "few"),
        (11, "many"),
        (99, "many"),
        (100, "other"),
        (103, "few"),
        (111, "many"),
    ],
)
def test_arabic_has_six_plurals(number: int, form: str) -> None:
    assert plural_form("ar", number) == form


def test_english_says_one_day_and_two_days() -> None:
    assert t("en", "{n} days ago", n=1) == "1 day ago"
    assert t("en", "{n} days ago", n=2) == "2 days ago"


def test_values_in_arabic_are_isolated_so_that_they_are_not_mixed_up() -> None:
    assert t("ar", "{n} ms", n=673) == f"{FIRST_ISOLATE}673{POP_ISOLATE} م.ث"
    assert t("en", "{n} ms", n=673) == "673 ms"


def test_a_text_with_markup_in_a_value_stays_safe() -> None:
    text = t("en", "<b>{name}</b> {when}", name="<script>", when=Markup("<time>now</time>"))

    assert text == "&lt;b&gt;&lt;script&gt;&lt;/b&gt; <time>now</time>"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0421, "42 ms"), (1.94, "1.9 s"), (3, "3 s"), (42.4, "42 s"), (840, "14 min"), (8040, "2 h 14 min"), (273_600, "3 d 4 h")],
)
def test_durations_carry_their_unit(seconds: float, words: str) -> None:
    assert filters.in_words("en", seconds) == words


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (0.2, "now"),
        (5, "5 s ago"),
        (-61, "in 1 min"),
        (7300, "2 h ago"),
        (-2 * 86_400 - 5, "in 2 days"),
        (40 * 86_400, "14 Oct 2026"),
    ],
)
def test_times_are_relative_for_a_month_and_dates_after_it(ago: float, words: str) -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)

    with clock.use(lambda: now):
        assert filters.relative("en", now - timedelta(seconds=ago), ZoneInfo("Asia/Dubai")) == words


def test_every_template_compiles() -> None:
    for name in environment.list_templates(extensions=["html"]):
        assert environment.get_template(name)


def test_a_banner_is_plain_data() -> None:
    assert Banner("bad", "x").values == {}
