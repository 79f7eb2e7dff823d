"""Cron expressions as people say them. Only the shapes people use; any other is shown as it stands."""

import re

from leadkeeper.web.words import t

WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
PURPOSES = {
    "follow-ups": "Follow up where a date has come",
    "unanswered": "Look for customers nobody has answered",
    "expiries": "Remind of what expires",
    "audit": "Check that all rows tell the same story",
    "purge": "Delete what has been kept long enough",
}
"""What the built-in schedules are for, by name."""

_SHAPE = re.compile(r"(\*|\*/\d+|\d+) (\*|\*/\d+|\d+) (\*|\d+) \* (\*|[0-7])")


def said(language: str, cron: str) -> str:
    """When a schedule runs: `every 10 minutes`, `every day at 09:00`, else the expression itself."""
    found = _SHAPE.fullmatch(" ".join(cron.split()))
    if found is None:
        return cron
    minute, hour, day, weekday = found.groups()
    if "*" in hour or not minute.isdigit():
        return _within_a_day(language, minute, hour) if (day, weekday) == ("*", "*") else cron
    at = f"{int(hour):02}:{int(minute):02}"
    if day != "*":
        return t(language, "on day {day} of each month at {at}", day=day, at=at) if weekday == "*" else cron
    if weekday != "*":
        return t(language, "every {weekday} at {at}", weekday=t(language, WEEKDAYS[int(weekday) % 7]), at=at)
    return t(language, "every day at {at}", at=at)


def _within_a_day(language: str, minute: str, hour: str) -> str:
    if hour == "*" and minute.startswith("*/"):
        return t(language, "every {n} minutes", n=int(minute[2:]))
    if hour == "*" and minute == "*":
        return t(language, "every minute")
    if hour == "*":
        return t(language, "every hour, {n} minutes past", n=int(minute))
    if minute.isdigit() and hour.startswith("*/"):
        return t(language, "every {n} hours", n=int(hour[2:]))
    return f"{minute} {hour} * * *"
