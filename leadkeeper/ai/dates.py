"""Explicit dates in a message, day first; everything that would be a guess is refused. Pure, total.

Taken: 12/03/2027, 12-3-2027, 12.3.27, 2027-03-12, 12 March 2027, 12th of Mar 2027, March 12, 2027,
١٢ مارس ٢٠٢٧. Refused: "next month", "in 2 weeks", "March 2027", "12/03" (no year), impossible days.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

MONTHS = {
    **dict.fromkeys(("jan", "january", "يناير", "كانون الثاني", "جانفي"), 1),
    **dict.fromkeys(("feb", "february", "febuary", "فبراير", "شباط", "فيفري"), 2),
    **dict.fromkeys(("mar", "march", "مارس", "اذار"), 3),
    **dict.fromkeys(("apr", "april", "ابريل", "نيسان", "افريل"), 4),
    **dict.fromkeys(("may", "مايو", "ايار", "ماي"), 5),
    **dict.fromkeys(("jun", "june", "يونيو", "يونيه", "حزيران", "جوان"), 6),
    **dict.fromkeys(("jul", "july", "يوليو", "يوليه", "تموز", "جويلية"), 7),
    **dict.fromkeys(("aug", "august", "اغسطس", "اب", "اوت"), 8),
    **dict.fromkeys(("sep", "sept", "september", "سبتمبر", "ايلول"), 9),
    **dict.fromkeys(("oct", "october", "اكتوبر", "تشرين الاول"), 10),
    **dict.fromkeys(("nov", "november", "نوفمبر", "تشرين الثاني"), 11),
    **dict.fromkeys(("dec", "december", "ديسمبر", "كانون الاول"), 12),
}
"""Month names, English and Arabic (Gulf, Levant and Maghreb), alef forms folded."""

_MONTH = "|".join(sorted(map(re.escape, MONTHS), key=len, reverse=True))
_END = r"(?!\w|[/.\-]\d)"
_DAY_FIRST = re.compile(r"(?<![\w/.\-])(\d{1,2})\s?([/.\-])\s?(\d{1,2})\s?\2\s?(\d{4}|\d{2})" + _END)
_YEAR_FIRST = re.compile(r"(?<![\w/.\-])(\d{4})([/.\-])(\d{1,2})\2(\d{1,2})" + _END)
_DAY_NAME = re.compile(
    rf"(?<![\w/.\-])(\d{{1,2}})(?:st|nd|rd|th)?[\s\-/.,]*(?:of\s+|من\s+)?({_MONTH})[\s\-/.,]*(\d{{4}}|'?\d{{2}}){_END}"
)
_NAME_DAY = re.compile(rf"(?<!\w)({_MONTH})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?\s*,?\s+(\d{{4}}){_END}")

OLDEST_YEARS, NEWEST_YEARS = 30, 30
"""A date further from today than this many years is a slip of the pen or a birthday of somebody old."""


@dataclass(frozen=True, slots=True)
class Dated:
    """A date and where it stands in the folded text."""

    date: date
    start: int
    end: int


def fold(text: str) -> str:
    """The text with Western digits, in lower case, with one form of alef and no vowel signs."""
    plain = unicodedata.normalize("NFKC", text).lower()
    return "".join(_letter(letter) for letter in plain)


def find(text: str, today: date) -> list[Dated]:
    """Every explicit date in `text`, in order; none of them overlap."""
    folded = fold(text)
    found: list[Dated] = []
    for pattern, order in ((_YEAR_FIRST, (1, 3, 4)), (_DAY_FIRST, (4, 3, 1)), (_DAY_NAME, (3, 2, 1)), (_NAME_DAY, (3, 1, 2))):
        for match in pattern.finditer(folded):
            year, month, day = (match.group(place) for place in order)
            made = _date(year, month, day, today)
            if made is not None and not any(match.start() < other.end and other.start < match.end() for other in found):
                found.append(Dated(made, match.start(), match.end()))
    return sorted(found, key=lambda each: each.start)


def _date(year: str, month: str, day: str, today: date) -> date | None:
    full = int(year.strip("'"))
    full += 2000 if full < 100 else 0
    number = MONTHS[month] if month in MONTHS else int(month)
    try:
        made = date(full, number, int(day))
    except ValueError:
        return None
    return made if today.year - OLDEST_YEARS <= made.year <= today.year + NEWEST_YEARS else None


def _letter(letter: str) -> str:
    if letter.isdecimal() and not letter.isascii():
        return str(unicodedata.decimal(letter))
    if letter in "أإآٱ":
        return "ا"
    return "" if unicodedata.category(letter) in ("Mn", "Cf") or letter == "ـ" else letter
