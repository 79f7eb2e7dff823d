"""The business's zone, hours and quiet time; rows that cannot be read never lose a message."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.config import Settings
from leadkeeper.errors import Invalid
from leadkeeper.rules import business
from tests.rules.people import SETTINGS


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2027, 3, day, hour, minute, tzinfo=UTC)


def test_hours_and_quiet_time_are_those_of_the_business_zone() -> None:
    shop = business.of({"timezone": "Asia/Dubai"}, SETTINGS)

    assert shop.is_open(at(10, 5, 0))
    assert not shop.is_open(at(10, 16, 0))
    assert shop.is_quiet(at(10, 17, 30))
    assert shop.is_quiet(at(10, 2, 59))
    assert not shop.is_quiet(at(10, 3, 0))
    assert shop.quiet_ends(at(10, 17, 30)) == at(11, 3, 0)
    assert shop.quiet_ends(at(10, 12)) == at(10, 12)


def test_the_next_opening_skips_closed_days() -> None:
    shop = business.of({}, SETTINGS)

    assert shop.next_open(at(13, 17)) == at(15, 9)
    assert shop.next_open(at(15, 10)) == at(15, 10)
    assert business.Business().next_open(at(15, 10)) is None


def test_quiet_time_may_be_switched_off() -> None:
    assert not business.of({"quiet_hours": None}, SETTINGS).is_quiet(at(10, 23))


def test_what_the_environment_says_wins_over_a_row() -> None:
    given = Settings(_env_file=None, timezone="Asia/Dubai", automatic_messages=True)

    shop = business.of({"timezone": "Europe/Paris", "automatic_messages": False}, given)

    assert (str(shop.zone), shop.stopped) == ("Asia/Dubai", False)
    assert business.of({"automatic_messages": False}, SETTINGS).stopped


junk: st.SearchStrategy[Any] = st.none() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=5), max_size=3)


@given(junk | st.dictionaries(st.sampled_from(["mon", "xyz"]), junk), junk, junk)
def test_rows_that_cannot_be_read_fall_back(hours: Any, quiet: Any, zone: Any) -> None:
    shop = business.of({"business_hours": hours, "quiet_hours": quiet, "timezone": zone}, SETTINGS)

    assert shop.next_open(at(10, 3)) is not None
    assert shop.quiet_ends(at(10, 3)) >= at(10, 3)


@pytest.mark.parametrize(
    ("value", "field"),
    [([], "business_hours"), ({"noday": ["09:00", "10:00"]}, "business_hours.noday"), ({"mon": ["10:00", "09:00"]},
    "business_hours.mon"),
     ({"mon": "09:00"}, "business_hours.mon"), ({"mon": ["9", "10"]}, "business_hours.mon")],
)  # fmt: skip
def test_hours_are_checked_when_saved(value: Any, field: str) -> None:
    with pytest.raises(Invalid) as refused:
        business.check_hours(value)

    assert field in refused.value.fields


def test_good_hours_and_quiet_times_are_taken() -> None:
    business.check_hours({"mon": ["09:00", "20:00"]})
    business.check_quiet(["21:30", "07:00"])
    business.check_quiet(None)
    with pytest.raises(Invalid):
        business.check_quiet(["07:00", "07:00"])
