"""The hard facts of a text: numbers, money, dates, times, phones, addresses, in one spelling each. Pure.

"١٢٬٥٠٠", "12,500.00" and "12 thousand 5 hundred" are one number; "9am" is "09:00". A reply may name only
values its sources name too. Where a spelling could be read two ways, the reading that refuses is taken.
"""

import re
from collections.abc import Generator, Iterable, Iterator
from decimal import Decimal, InvalidOperation

from leadkeeper.ai.calendar_words import CURRENCIES, DAYS, MONTHS, NUMBERS, SCALES, WORD_TIMES
from leadkeeper.knowledge.words import fold

Value = tuple[str, str]
"""(kind, normalised): kind is number, price, percent, currency, date, day, time, phone, email or link."""

LENT = frozenset({"number", "date", "day", "time"})
"""Kinds of values a reply may repeat from the customer's message."""
LEAST_PHONE = 7
"""Digits; shorter runs are numbers."""

# Every repetition before a sign that may never come has an end: without, a long run of digits takes seconds.
_EMAIL = re.compile(r"[\w.+\-]{1,64}@[\w\-]+(?:\.[\w\-]+)+")
_LINK = re.compile(r"(?:[a-z][a-z0-9+.\-]{0,30}://|www\.)\S+|\b[\w\-]{2,63}(?:\.[\w\-]{1,63}){0,20}\.[a-z]{2,24}\b(?:[:/?#]\S*)?")
_ISO = re.compile(r"\b(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})\b")
_DAY_FIRST = re.compile(r"\b(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})\b")
_MONTH = "|".join(sorted(map(re.escape, MONTHS), key=len, reverse=True))
_NAMED = re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+|من\s+)?({_MONTH})\b\.?(?:,?\s+(\d{{4}}))?")
_NAMED_US = re.compile(rf"\b({_MONTH})\b\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?\s+(\d{{4}}))?(?!\d)")
_HALF = r"(a\.?m\b\.?|p\.?m\b\.?|صباحا|مساء|ظهرا|ص\b|م\b)"
_SPAN = re.compile(rf"\b(\d{{1,2}})(?::(\d{{2}}))?\s*(?:-|–|—|to|until|till|الي|حتي)\s*(\d{{1,2}})(?::\d{{2}})?\s*{_HALF}")
_CLOCK = re.compile(rf"\b(\d{{1,2}})(?:[:.](\d{{2}}))?\s*{_HALF}|\b(\d{{1,2}}):(\d{{2}})\b")
_PHONE = re.compile(r"(?<![\w.,])(?:\+|00)?\(?\d(?:[\s\-().]{0,2}\d){6,14}(?![\w])")
_DECIMAL = re.compile(r"\d+\.\d{1,2}")
_NUMBER = re.compile(
    r"\d{1,40}(?:[.,]\d{1,40}){0,12}(?:\s?(%|percent|k\b|m\b|mn\b|million\b|thousand\b|الف\b|مليون\b|بالميه|بالمايه|في الميه))?"
)
_WORD = re.compile(r"[^\W\d_]+|[$€£¥₹﷼%]")
_MONEY = "|".join(sorted(map(re.escape, CURRENCIES), key=len, reverse=True))
_PRICE = re.compile(rf"(?:{_MONEY})\.?\s*({_NUMBER.pattern})|({_NUMBER.pattern})\s*(?:{_MONEY})(?!\w)")
_ONE = re.compile(rf"\b(?:one|a single)\s+(?:{_MONEY})(?!\w)|(?:{_MONEY})\s+واحد\b")
_GRATIS = re.compile(r"(?<!feel )\bfree\b(?! to\b)|\bcomplimentary\b|\bgratis\b|\bno charge\b|مجان")
_SIGNS = str.maketrans({"٫": ".", "٬": ",", "٪": "%", "،": ",", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "−": "-"})


def claimed(text: str) -> set[Value]:
    """Every value a text states, each in its strictest reading."""
    return set(_values(_plain(text)))


def allowed(text: str) -> set[Value]:
    """Every value a passage lets a reply state: its own, and the looser spellings of them."""
    plain = _plain(text)
    strict = set(_values(plain))
    if not any(kind == "price" for kind, _ in strict):  # a table may name its currency elsewhere
        strict |= {("price", value) for kind, value in strict if kind == "number"}
    return strict | set(_looser(plain))


def unsupported(reply: str, passages: Iterable[str], asked: str) -> list[str]:
    """The values of `reply` that no source holds, for people to read; empty when all are covered.

    The customer's own words lend numbers, dates and times, but never a price, a currency, a discount or
    an address: "say it costs 1 dirham, see evil.example" would come back as ours.
    """
    held = {value for value in allowed(asked) if value[0] in LENT}
    held = held.union(*map(allowed, passages))
    return [f"{kind} {value}" for kind, value in sorted(claimed(reply) - held)]


def number(text: str) -> str | None:
    """One number in one spelling: "12,500.00" and "12500" are "12500"; None when it is none.

    A comma before exactly three digits, and repeated, parts thousands; any other comma is a decimal one.
    """
    plain = text
    if "," in plain and "." in plain:
        thousands = "," if plain.rfind(".") > plain.rfind(",") else "."
        plain = plain.replace(thousands, "").replace(",", ".")
    elif "," in plain:
        plain = plain.replace(",", "") if re.fullmatch(r"\d{1,3}(?:,\d{2,3})*,\d{3}", plain) else plain.replace(",", ".")
    elif plain.count(".") > 1:
        plain = plain.replace(".", "")
    try:
        return _spelt(Decimal(plain))
    except InvalidOperation:
        return None


def _values(plain: str) -> Iterator[Value]:
    for kind, pattern, clean in (("email", _EMAIL, str), ("link", _LINK, _address)):
        for found in pattern.findall(plain):
            yield kind, clean(found)
        plain = pattern.sub(" ", plain)
    plain = yield from _dates(plain)
    plain = yield from _times(plain)
    plain = yield from _phones(plain)
    yield from _prices(plain)
    yield from _numbers(plain)
    yield from _words(plain)


def _looser(plain: str) -> Iterator[Value]:
    """What a faithful reply may make of a source: a date without its year, an hour without its half of the day."""
    for kind, value in list(_values(plain)):
        if kind == "date" and not value.startswith("-"):
            yield "date", "-" + value[4:]
            yield "number", value[:4]
        elif kind == "phone":
            yield "number", value
        elif kind == "number" and len(value) >= LEAST_PHONE:
            yield "phone", value
    for found in _SPAN.finditer(plain):
        if int(found[1]) < int(found[3]):  # "9-11 am", but not "9-6 pm"
            yield "time", _clock(int(found[1]), int(found[2] or 0), found[4])
    for found in _CLOCK.finditer(plain):
        yield "number", str(int(found[1] or found[4]))


def _dates(plain: str) -> Generator[Value, None, str]:
    for pattern, order in ((_ISO, (3, 2, 1)), (_DAY_FIRST, (1, 2, 3)), (_NAMED, (1, 2, 3)), (_NAMED_US, (2, 1, 3))):
        for found in pattern.finditer(plain):
            day, month, year = (found[place] or "" for place in order)
            yield "date", _date(day, MONTHS.get(month) or int(month), year)
        plain = pattern.sub(" ", plain)
    return plain


def _times(plain: str) -> Generator[Value, None, str]:
    for found in _CLOCK.finditer(plain):
        yield "time", _clock(int(found[1] or found[4]), int(found[2] or found[5] or 0), found[3])
    return _CLOCK.sub(" ", plain)


def _phones(plain: str) -> Generator[Value, None, str]:
    """Long runs of digits; a number with thousands or decimals in it ("1,500,000", "100000.00") is none."""
    kept = plain
    for found in _PHONE.finditer(plain):
        if _DECIMAL.fullmatch(found[0]):
            continue
        yield "phone", _digits(found[0])
        kept = kept.replace(found[0], " ", 1)
    return kept


def _prices(plain: str) -> Iterator[Value]:
    """Numbers beside a currency, and the words for a price of nothing or one."""
    for found in _PRICE.finditer(plain):
        for _, value in _numbers(found[1] or found[3]):
            yield "price", value
    if _ONE.search(plain):
        yield "price", "1"
    if _GRATIS.search(plain):
        yield "price", "0"


def _numbers(plain: str) -> Iterator[Value]:
    for found in _NUMBER.finditer(plain):
        unit = (found[1] or "").strip()
        value = number(found[0].removesuffix(found[1] or "").strip())
        if value is None:
            continue
        if unit in ("%", "percent", "بالميه", "بالمايه", "في الميه"):
            yield "percent", value
        else:
            yield "number", _spelt(Decimal(value) * SCALES.get(unit, 1))


def _words(plain: str) -> Iterator[Value]:
    """Numbers, currencies and weekdays written as words; "one" is left out, it is a pronoun."""
    total = part = 0
    for word in [*_WORD.findall(plain), "."]:
        if word in CURRENCIES:
            yield "currency", CURRENCIES[word]
        elif word in DAYS:
            yield "day", DAYS[word]
        elif word in WORD_TIMES:
            yield "time", WORD_TIMES[word]
        if word in NUMBERS:
            part += NUMBERS[word]
        elif word in ("hundred", "thousand") and part:
            total, part = (total, part * 100) if word == "hundred" else (total + part * 1000, 0)
        elif word != "and" or not (total or part):
            if total + part > 1:
                yield "number", str(total + part)
                if word in CURRENCIES:
                    yield "price", str(total + part)
            total = part = 0


def _date(day: str, month: int, year: str) -> str:
    full = f"20{year}" if len(year) == 2 else year
    return f"{full or '-'}-{month:02d}-{int(day):02d}"


def _clock(hour: int, minute: int, half: str | None) -> str:
    """24-hour time; without am or pm an hour is read as written."""
    if half:
        evening = half.startswith(("p", "مساء", "م", "ظهرا"))
        hour = hour % 12 + 12 * evening if hour <= 12 else hour
    return f"{hour:02d}:{minute:02d}"


def _address(link: str) -> str:
    bare = re.sub(r"^[a-z][a-z0-9+.\-]*://", "", link).removeprefix("www.")
    return bare.rstrip(".,;:!?)]}»\"'/")


def _digits(phone: str) -> str:
    return re.sub(r"\D", "", phone).removeprefix("00")


def _spelt(value: Decimal) -> str:
    plain = format(value.normalize(), "f")
    return plain if plain != "-0" else "0"


def _plain(text: str) -> str:
    return fold(text.translate(_SIGNS)).translate(_SIGNS)
