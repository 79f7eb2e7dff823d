"""The words people see, in English and Arabic.

The English text is the key: `t("Log in")`, `t("{n} failed jobs", n=8)`. A catalogue is every JSON
file of `i18n/<language>/`; a value is a text, or an object of plural forms chosen by `n`
(`zero one two few many other`). A text without a translation is shown in English; a test refuses that.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

FOLDER = Path(__file__).parent / "i18n"
RIGHT_TO_LEFT = frozenset({"ar"})
FIRST_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"
"""Keep a name or number inside a sentence of the other direction in one piece."""

Forms = str | Mapping[str, str]


@cache
def catalogue(language: str) -> Mapping[str, Forms]:
    """Every text of a language. Raises ValueError when two files hold the same key with different words."""
    texts: dict[str, Forms] = {}
    for path in sorted((FOLDER / language).glob("*.json")):
        for key, value in json.loads(path.read_text(encoding="utf-8")).items():
            if texts.setdefault(key, value) != value:
                raise ValueError(f"{path.name}: {key!r} has other words in another file of {language}")
    return texts


def t(language: str, text: str, **values: Any) -> str:
    """`text` in a language, with its `{placeholders}` filled; Markup when one of the values is."""
    forms = catalogue(language).get(text, text)
    chosen = forms if isinstance(forms, str) else _plural(forms, language, values.get("n", 0))
    if not values:
        return chosen
    if any(hasattr(value, "__html__") for value in values.values()):
        safe = {name: _isolated(escape(value), language) for name, value in values.items()}
        return escape(chosen).format(**safe)
    return chosen.format(**{name: _isolated(str(value), language) for name, value in values.items()})


def direction(language: str) -> str:
    """`rtl` or `ltr`."""
    return "rtl" if language in RIGHT_TO_LEFT else "ltr"


def plural_form(language: str, number: float) -> str:
    """The CLDR plural category of a whole number."""
    if language != "ar":
        return "one" if number == 1 else "other"
    if number in (0, 1, 2):
        return ("zero", "one", "two")[int(number)]
    rest = int(number) % 100
    if 3 <= rest <= 10:
        return "few"
    return "many" if rest >= 11 else "other"


def _plural(forms: Mapping[str, str], language: str, number: Any) -> str:
    count = float(str(number).replace(",", "") or 0)
    return forms.get(plural_form(language, count), forms["other"])


def _isolated(value: str, language: str) -> str:
    if language not in RIGHT_TO_LEFT:
        return value
    mark = Markup if hasattr(value, "__html__") else str
    return mark(FIRST_ISOLATE) + value + mark(POP_ISOLATE)
