"""What rules know of the business itself: its name, its zone, its hours, its stop switch.

Rows of `settings` beside the process's settings: `business_name` (text), `business_hours`
({"mon": ["09:00", "20:00"], ...}, a missing day is closed) and `quiet_hours` (["21:30", "07:00"],
null for none). `lexicon_version` names the state of the word lists, for the compiled matchers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from leadkeeper.config import Settings, time_zones
from leadkeeper.errors import Invalid
from leadkeeper.store import restores, settings_rows
from leadkeeper.store.remembered import remembered
from leadkeeper.store.restores import Restored

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DEFAULT_HOURS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(DAYS[:5], ("09:00", "20:00")),
    "sat": ("10:00", "17:00"),
}
DEFAULT_QUIET = ("21:30", "07:00")

Span = tuple[time, time]
UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class Business:
    """The business as rules see it. `quiet` is the part of the day in which nothing proactive is sent."""

    name: str = ""
    zone: ZoneInfo = UTC
    hours: Mapping[int, Span] = field(default_factory=dict)
    quiet: Span | None = None
    stopped: bool = False
    lexicon_version: str = ""
    restored: Restored | None = None
    """the last time the database was put back from a copy"""

    def local(self, moment: datetime) -> datetime:
        """`moment` on the business's own clock."""
        return moment.astimezone(self.zone)

    def is_open(self, moment: datetime) -> bool:
        """True inside the business hours."""
        here = self.local(moment)
        span = self.hours.get(here.weekday())
        return span is not None and span[0] <= here.time() < span[1]

    def next_open(self, moment: datetime) -> datetime | None:
        """The first moment from `moment` on that is inside business hours; None when every day is closed."""
        if self.is_open(moment):
            return moment
        here = self.local(moment)
        for ahead in range(8):
            day = here.date() + timedelta(days=ahead)
            span = self.hours.get(day.weekday())
            if span is None:
                continue
            opens = datetime.combine(day, span[0], self.zone)
            if opens > moment:
                return opens.astimezone(moment.tzinfo)
        return None

    def is_quiet(self, moment: datetime) -> bool:
        """True in the quiet hours; they may span midnight."""
        if self.quiet is None:
            return False
        start, end = self.quiet
        at = self.local(moment).time()
        return start <= at < end if start <= end else at >= start or at < end

    def quiet_ends(self, moment: datetime) -> datetime:
        """When the quiet hours `moment` lies in are over; `moment` itself outside them."""
        if self.quiet is None or not self.is_quiet(moment):
            return moment
        here = self.local(moment)
        day = here.date() if here.time() < self.quiet[1] else here.date() + timedelta(days=1)
        return datetime.combine(day, self.quiet[1], self.zone).astimezone(moment.tzinfo)


def read(conn: Connection, settings: Settings) -> Business:
    """The business of this database; read once a transaction."""
    return remembered(conn, "settings", ("business", id(settings)), lambda: of(settings_rows.load(conn), settings))


def of(rows: Mapping[str, Any], settings: Settings) -> Business:
    """The business from its settings rows; what the environment gave wins over a row.

    A row that cannot be read (written by an older version) falls back to the default, so that a
    message is never lost to it; saving checks with `check_hours` and `check_quiet`.
    """
    given = settings.model_fields_set
    zone = settings.timezone if "timezone" in given else rows.get("timezone", settings.timezone)
    automatic = settings.automatic_messages
    if "automatic_messages" not in given:
        automatic = rows.get("automatic_messages", automatic) is True
    quiet = rows.get("quiet_hours", DEFAULT_QUIET)
    return Business(
        name=str(rows.get("business_name") or "").strip(),
        zone=ZoneInfo(zone if isinstance(zone, str) and zone in time_zones() else "UTC"),
        hours=_hours(rows.get("business_hours")) or _hours(DEFAULT_HOURS),
        quiet=None if quiet is None else _span(quiet) or _span(DEFAULT_QUIET),
        stopped=not automatic,
        lexicon_version=str(rows.get("lexicon_version") or ""),
        restored=restores.of(rows),
    )


def check_hours(value: Any) -> None:
    """Raises Invalid, naming the day, unless `value` may be stored as `business_hours`."""
    if not isinstance(value, Mapping):
        raise Invalid("the hours were not saved", {"business_hours": "must be a day -> [from, to] table"})
    for day, span in value.items():
        read = _span(span)
        if day not in DAYS:
            raise Invalid("the hours were not saved", {f"business_hours.{day}": f"must be one of {', '.join(DAYS)}"})
        if read is None or read[0] >= read[1]:
            raise Invalid(
                "the hours were not saved", {f"business_hours.{day}": "must be two times like 09:00, the first earlier"}
            )


def check_quiet(value: Any) -> None:
    """Raises Invalid unless `value` may be stored as `quiet_hours`: null or two times of the day."""
    read = _span(value)
    if value is not None and (read is None or read[0] == read[1]):
        raise Invalid("the quiet time was not saved", {"quiet_hours": "must be two different times like 21:30"})


def _hours(value: Any) -> dict[int, Span]:
    if not isinstance(value, Mapping):
        return {}
    spans = {DAYS.index(day): _span(span) for day, span in value.items() if day in DAYS}
    return {day: span for day, span in spans.items() if span is not None}


def _span(value: Any) -> Span | None:
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    try:
        start, end = time.fromisoformat(value[0]), time.fromisoformat(value[1])
    except (TypeError, ValueError):
        return None
    return None if start.tzinfo or end.tzinfo else (start, end)
