"""The guards: which stop what, in which order, and what becomes of the message."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.rules.business import Business
from leadkeeper.rules.facts import Facts, Reach
from leadkeeper.rules.guards import ORDER, Block, Outgoing, check
from leadkeeper.store.restores import Restored
from tests.rules.people import NOON

NIGHT = datetime(2027, 3, 10, 23, 0, tzinfo=UTC)
QUIET = Business(quiet=(time(21, 30), time(7, 0)))
FREE = Facts(now=NOON, reach=Reach(timedelta(hours=24), templates=True), last_inbound_at=NOON, occurred_at=NOON, business=QUIET)

TRIPS: dict[str, dict[str, Any]] = {
    "stop_switch": {"business": replace(QUIET, stopped=True)},
    "opted_out": {"opted_out": True},
    "user_owns": {"owner": "user", "owner_id": 1},
    "not_ai": {"owner": "nobody"},
    "restored": {},
    "window": {"last_inbound_at": NOON - timedelta(hours=25)},
    "too_old": {"occurred_at": NOON - timedelta(hours=13)},
    "loop": {"automatic_last_hour": 10},
    "stale": {"revision": 8},
    "quiet_hours": {},
    "frequency": {"proactive_last_day": 2},
    "rule_cap": {},
    "same_text": {"recent_texts": frozenset({"hello there"})},
    "unanswered": {"automatic_since_spoken": 3},
}
MESSAGE = Outgoing(text="Hello, there!", revision=0)
CAPPED = Outgoing(text="Hello, there!", revision=0, capped_until=NOON + timedelta(minutes=20))


def tripped(names: set[str], purpose: str) -> tuple[Facts, Outgoing, datetime]:
    """Facts, message and moment at which exactly these guards want to stop a message."""
    facts = FREE
    for name in names:
        facts = replace(facts, **TRIPS[name])
    now = NIGHT if "quiet_hours" in names else NOON
    if now is NIGHT:
        facts = replace(facts, last_inbound_at=(facts.last_inbound_at or NOON) + timedelta(hours=11))
        facts = replace(facts, occurred_at=(facts.occurred_at or NOON) + timedelta(hours=11))
    message = replace(CAPPED, capped_until=NIGHT + timedelta(hours=1)) if "rule_cap" in names else MESSAGE
    return facts, replace(message, was_due="restored" in names), now


@pytest.mark.parametrize("purpose", ORDER)
def test_a_message_nothing_speaks_against_may_go(purpose: str) -> None:
    assert check(purpose, FREE, NOON, MESSAGE) is None


@pytest.mark.parametrize(("purpose", "guard"), [(purpose, guard) for purpose, guards in ORDER.items() for guard in guards])
def test_each_guard_of_a_class_stops_it_by_itself(purpose: str, guard: str) -> None:
    facts, message, now = tripped({guard}, purpose)

    block = check(purpose, facts, now, message)

    assert block is not None
    assert block.guard == guard


@given(st.sampled_from(sorted(ORDER)), st.sets(st.sampled_from(sorted(TRIPS)), min_size=1))
def test_of_several_guards_the_first_in_the_order_of_its_class_speaks(purpose: str, names: set[str]) -> None:
    if {"user_owns", "not_ai"} <= names:
        names = names - {"not_ai"}
    facts, message, now = tripped(names, purpose)

    block = check(purpose, facts, now, message)

    first = next((guard for guard in ORDER[purpose] if guard in names), None)
    assert (block.guard if block else None) == first


@pytest.mark.parametrize(
    ("purpose", "guard", "action"),
    [
        ("person", "opted_out", "refuse"),
        ("person", "window", "refuse"),
        ("notice", "stop_switch", "skip"),
        ("notice", "user_owns", "skip"),
        ("notice", "window", "skip"),
        ("reply", "stop_switch", "hand_over"),
        ("reply", "opted_out", "silent"),
        ("reply", "user_owns", "silent"),
        ("reply", "not_ai", "hand_over"),
        ("reply", "restored", "hand_over"),
        ("reply", "window", "hand_over"),
        ("reply", "too_old", "hand_over"),
        ("reply", "loop", "hand_over"),
        ("reply", "stale", "stale"),
        ("proactive", "stop_switch", "skip"),
        ("proactive", "opted_out", "skip"),
        ("proactive", "restored", "skip"),
        ("proactive", "same_text", "skip"),
        ("proactive", "unanswered", "skip"),
        ("proactive", "frequency", "defer"),
        ("proactive", "rule_cap", "defer"),
        ("proactive", "quiet_hours", "defer"),
    ],
)
def test_what_becomes_of_a_stopped_message(purpose: str, guard: str, action: str) -> None:
    facts, message, now = tripped({guard}, purpose)

    block = check(purpose, facts, now, message)

    assert block is not None
    assert block.action == action
    assert (block.until is not None) == (action == "defer")


def test_quiet_hours_defer_to_their_end_also_past_midnight() -> None:
    assert check("proactive", replace(FREE, last_inbound_at=NIGHT), NIGHT) == Block(
        "quiet_hours", "defer", datetime(2027, 3, 11, 7, 0, tzinfo=UTC)
    )


def test_a_template_may_go_outside_the_window_only_where_the_channel_has_templates() -> None:
    late = replace(FREE, last_inbound_at=NOON - timedelta(days=3))

    assert check("proactive", late, NOON, Outgoing(template=True)) is None
    assert check("proactive", replace(late, reach=Reach(timedelta(hours=24))), NOON, Outgoing(template=True)) == Block(
        "window", "skip"
    )


def test_a_channel_without_a_window_is_always_open() -> None:
    assert check("reply", replace(FREE, reach=Reach(None), last_inbound_at=None), NOON) is None


def test_a_customer_who_never_wrote_cannot_be_written_to_freely_through_a_window() -> None:
    assert check("proactive", replace(FREE, last_inbound_at=None), NOON) == Block("window", "skip")


def test_a_person_may_overrule_an_opt_out_with_a_reason_but_not_the_window() -> None:
    gone = replace(FREE, opted_out=True)

    assert check("person", gone, NOON, Outgoing(overrides_opt_out=True)) is None
    assert check("person", replace(gone, last_inbound_at=None), NOON, Outgoing(overrides_opt_out=True)) == Block(
        "window", "refuse"
    )


@pytest.mark.parametrize(("event_id", "guard"), [(7, "restored"), (8, None)])
def test_a_question_of_before_the_restored_backup_is_a_persons_and_a_later_one_is_not(event_id: int, guard: str | None) -> None:
    restored = Restored(NOON, NOON - timedelta(hours=3), event=7, mark="r1-", how="archive")
    facts = replace(FREE, event_id=event_id, business=replace(QUIET, restored=restored))

    block = check("reply", facts, NOON)

    assert (block.guard if block else None) == guard


def test_the_stop_switch_does_not_stop_a_person() -> None:
    assert check("person", replace(FREE, business=replace(QUIET, stopped=True), owner="user"), NOON) is None


def test_an_unknown_class_is_a_programming_error() -> None:
    with pytest.raises(KeyError):
        check("newsletter", FREE, NOON)
