"""Template filters: times, numbers, durations and stored words, in the reader's language."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from leadkeeper import clock
from leadkeeper.web.words import t

STEPS = ((60, 1, "s"), (3600, 60, "min"), (86_400, 3600, "h"), (30 * 86_400, 86_400, "d"))
"""(shown in this unit below so many seconds, seconds of the unit, its key)."""

_PAST = {"s": "{n} s ago", "min": "{n} min ago", "h": "{n} h ago", "d": "{n} days ago"}
_FUTURE = {"s": "in {n} s", "min": "in {n} min", "h": "in {n} h", "d": "in {n} days"}


@pass_context
def ago(context: Context, moment: datetime | None) -> str:
    """A relative time; the exact one, in the business's time zone, on hover. Nothing for None."""
    if moment is None:
        return Markup('<span class="none">–</span>')
    lang, zone = context["lang"], context["zone"]
    return _time(moment, zone, relative(lang, moment, zone))


def relative(lang: str, moment: datetime, zone: ZoneInfo) -> str:
    """`3 min ago`, `in 2 h`; a date when it is more than 30 days away."""
    seconds = (clock.now() - moment).total_seconds()
    words = _PAST if seconds >= 0 else _FUTURE
    distance = abs(seconds)
    if distance < 1:
        return t(lang, "now")
    for below, size, unit in STEPS:
        if distance < below:
            return t(lang, words[unit], n=int(distance // size))
    return _day(lang, moment, zone)


@pass_context
def exact(context: Context, moment: datetime | None) -> str:
    """Date and time in the business's time zone."""
    if moment is None:
        return Markup('<span class="none">–</span>')
    zone = context["zone"]
    date, time = _day(context["lang"], moment, zone), f"{moment.astimezone(zone):%H:%M:%S}"
    return _time(moment, zone, t(context["lang"], "{date}, {time}", date=date, time=time))


@pass_context
def day(context: Context, moment: datetime | None) -> str:
    """The date alone, as people write it: 23 Nov 2026."""
    return "" if moment is None else _day(context["lang"], moment, context["zone"])


@pass_context
def hour(context: Context, moment: datetime | None) -> str:
    """The time of day alone: 14:03."""
    return "" if moment is None else _time(moment, context["zone"], f"{moment.astimezone(context['zone']):%H:%M}")


def breakable(address: str) -> Markup:
    """An e-mail address that breaks behind its @ where it must break at all."""
    return Markup("<wbr>").join(escape(part) for part in address.replace("@", "@\n").split("\n"))


def number(value: float | None, digits: int = 0) -> str:
    """Grouped by thousands; Latin digits in every language, as businesses in the Gulf write them."""
    return "–" if value is None else f"{value:,.{digits}f}"


@pass_context
def duration(context: Context, value: float | timedelta | None) -> str:
    """Seconds in words: `0.42 s`, `14 min`, `2 h 14 min`, `3 d 4 h`; kept in one piece beside Arabic."""
    if value is None:
        return Markup('<span class="none">–</span>')
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    return Markup("<bdi>{}</bdi>").format(in_words(context["lang"], seconds))


def in_words(lang: str, seconds: float) -> str:
    """`duration` as plain text."""
    if seconds < 1:
        return t(lang, "{n} ms", n=round(seconds * 1000))
    if seconds < 60:
        return t(lang, "{n} s", n=f"{seconds:.1f}".removesuffix(".0") if seconds < 10 else int(seconds))
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86_400)
    if hours < 1:
        return t(lang, "{n} min", n=minutes)
    if days < 1:
        return t(lang, "{hours} h {minutes} min", hours=hours, minutes=minutes % 60)
    return t(lang, "{days} d {hours} h", days=days, hours=hours % 24)


@pass_context
def label(context: Context, value: Any) -> str:
    """A stored word as people say it: `inbound_message` becomes `Inbound message`."""
    return "" if value is None else t(context["lang"], humanise(str(value)))


@pass_context
def place(context: Context, value: str) -> str:
    """Where a passage stands in its document: `row 20`, `characters 14-99`."""
    what, _, numbers = value.partition(" ")
    return t(context["lang"], what + " {n}", n=numbers)


def humanise(word: str) -> str:
    """The English of a stored word; its Arabic is looked up under that."""
    text = word.replace("_", " ").replace("-", " ").strip()
    return text[:1].upper() + text[1:]


def _time(moment: datetime, zone: ZoneInfo, words: str) -> Markup:
    local = moment.astimezone(zone)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        moment.isoformat(timespec="seconds"), f"{local:%Y-%m-%d %H:%M:%S} {zone.key}", escape(words)
    )


def _day(lang: str, moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    return f"{local.day} {t(lang, MONTHS[local.month - 1])} {local.year}"


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

ALL: dict[str, Callable[..., Any]] = {
    "ago": ago, "breakable": breakable, "exact": exact, "day": day, "hour": hour, "number": number, "duration": duration,
    "label": label, "place": place,
}  # fmt: skip
