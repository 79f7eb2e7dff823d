"""Recurring work: once a slot, in the business's time, missed slots collapse into one."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from leadkeeper import clock
from leadkeeper.errors import Invalid
from leadkeeper.queue.timers import Schedule, ensure, following, next_slot, next_slots, tick
from leadkeeper.store.schema import schedules
from tests.queue.conftest import Queue, at

DUBAI = ZoneInfo("Asia/Dubai")
BERLIN = ZoneInfo("Europe/Berlin")
DAILY = Schedule("daily", "0 9 * * *", "noop", {"n": 1})
START = datetime(2026, 3, 1, 0, 0, tzinfo=UTC)


def next_at(queue: Queue, name: str = "daily") -> datetime:
    query = select(schedules.c.next_at).where(schedules.c.name == name)
    return queue.db.read_now(lambda conn: conn.execute(query).scalar_one())


def test_a_slot_is_local_wall_time(queue: Queue) -> None:
    with at(START):
        queue.do(ensure, [DAILY], DUBAI)

    assert next_at(queue) == datetime(2026, 3, 1, 5, 0, tzinfo=UTC)


def test_a_slot_runs_once_even_if_two_workers_tick(queue: Queue) -> None:
    with at(START):
        queue.do(ensure, [DAILY], DUBAI)
    with at(START + timedelta(hours=6)):
        assert queue.db.read_now(next_slot) <= clock.now()
        first, second = queue.do(tick, DUBAI), queue.do(tick, DUBAI)

    assert (len(first), second) == (1, [])
    assert [row.type for row in queue.rows()] == ["noop"]
    assert next_at(queue) == datetime(2026, 3, 2, 5, 0, tzinfo=UTC)


def test_missed_slots_collapse_into_one_and_one_that_still_waits_is_not_doubled(queue: Queue) -> None:
    with at(START):
        queue.do(ensure, [DAILY], DUBAI)
    with at(START + timedelta(days=10)):
        first = queue.do(tick, DUBAI)
    with at(START + timedelta(days=12)):
        again = queue.do(tick, DUBAI)

    assert first == again
    assert len(queue.rows()) == 1


def test_a_disabled_schedule_does_not_run(queue: Queue) -> None:
    with at(START):
        queue.do(ensure, [DAILY], DUBAI)
        queue.do(lambda conn: conn.execute(update(schedules).values(enabled=False)))
    with at(START + timedelta(days=2)):
        assert queue.do(tick, DUBAI) == []
        assert queue.db.read_now(next_slot) is None


def test_a_new_time_zone_moves_the_coming_slots_and_keeps_the_missed_ones(queue: Queue) -> None:
    other = Schedule("missed", "0 1 * * *", "noop")
    with at(START):
        queue.do(ensure, [DAILY, other], ZoneInfo("UTC"))
    with at(START + timedelta(hours=2)):
        queue.do(ensure, [DAILY, other], DUBAI)

    assert next_at(queue) == datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
    assert next_at(queue, "missed") == datetime(2026, 3, 1, 1, 0, tzinfo=UTC)


def test_the_hour_that_spring_skips_runs_once_and_the_one_autumn_doubles_too() -> None:
    spring = following("30 2 * * *", datetime(2026, 3, 28, 12, tzinfo=UTC), BERLIN)
    after_spring = following("30 2 * * *", spring, BERLIN)
    autumn = following("30 2 * * *", datetime(2026, 10, 24, 12, tzinfo=UTC), BERLIN)
    after_autumn = following("30 2 * * *", autumn, BERLIN)

    assert spring.astimezone(BERLIN).date().isoformat() == "2026-03-29"
    assert after_spring.astimezone(BERLIN).date().isoformat() == "2026-03-30"
    assert autumn.astimezone(BERLIN).date().isoformat() == "2026-10-25"
    assert after_autumn.astimezone(BERLIN).date().isoformat() == "2026-10-26"


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)),
    st.sampled_from(["*/15 * * * *", "0 9 * * *", "30 2 * * *", "0 0 1 * *", "15 6 * * 1-5"]),
    st.sampled_from(["Asia/Dubai", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Africa/Cairo", "UTC"]),
)
def test_slots_always_move_forward(moment: datetime, cron: str, name: str) -> None:
    start = moment.replace(tzinfo=UTC)

    slot = following(cron, start, ZoneInfo(name))

    assert slot > start
    assert slot.tzinfo is UTC


def test_a_bad_expression_is_refused_with_the_field_named() -> None:
    with pytest.raises(Invalid) as refused:
        following("every day", clock.now(), DUBAI)

    assert "cron" in refused.value.fields


def test_the_next_slots_are_shown_in_order() -> None:
    slots = next_slots("0 9 * * *", DUBAI, 3)

    assert slots == sorted(slots) and len(set(slots)) == 3
