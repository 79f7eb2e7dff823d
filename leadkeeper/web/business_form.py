"""The form of the business itself: name, time zone, opening hours, quiet hours."""

from collections.abc import Mapping
from typing import Any

from leadkeeper.config import Settings
from leadkeeper.errors import Invalid
from leadkeeper.rules import business
from leadkeeper.web.forms import Form
from leadkeeper.web.settings_form import checked


def filled(rows: Mapping[str, Any], settings: Settings) -> Form:
    """The form with what is in force now."""
    hours = rows.get("business_hours") or {day: list(span) for day, span in business.DEFAULT_HOURS.items()}
    quiet = rows.get("quiet_hours", business.DEFAULT_QUIET)
    form = Form({"business_name": str(rows.get("business_name") or ""), "timezone": settings.timezone})
    for day in business.DAYS:
        if day in hours:
            form.values |= {f"open_{day}": "1", f"from_{day}": hours[day][0], f"to_{day}": hours[day][1]}
    if quiet is not None:
        form.values |= {"quiet": "1", "quiet_from": quiet[0], "quiet_to": quiet[1]}
    return form


def read(form: Form, fixed: frozenset[str]) -> dict[str, Any]:
    """The settings of the form, without what the environment gives. Raises Invalid with every bad field."""
    values: dict[str, Any] = {
        "business_name": form.text("business_name", longest=100, missing="Enter the name customers know."),
        "business_hours": {
            day: [form.values.get(f"from_{day}", ""), form.values.get(f"to_{day}", "")]
            for day in business.DAYS
            if form.flag(f"open_{day}")
        },
        "quiet_hours": [form.values.get("quiet_from", ""), form.values.get("quiet_to", "")] if form.flag("quiet") else None,
    }
    if "timezone" not in fixed:
        zone = form.text("timezone", longest=64, missing="Choose a time zone.")
        values["timezone"] = checked(form, "timezone", zone, "This is no time zone. Write one like Asia/Dubai.")
    try:
        business.check_hours(values["business_hours"])
    except Invalid as error:
        form.errors["hours"] = "Each open day needs two times, the first one earlier."
        form.errors |= dict.fromkeys((f"from_{name.rpartition('.')[2]}" for name in error.fields), "")
    try:
        business.check_quiet(values["quiet_hours"])
    except Invalid:
        form.errors["quiet_hours"] = "Enter two different times."
    form.check()
    return values
