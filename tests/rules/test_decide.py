"""The decision: pure, total, never fired by what is unknown, and explained."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadkeeper.errors import Invalid
from leadkeeper.rules import book, business, plain
from leadkeeper.rules.business import Business
from leadkeeper.rules.catalogue import FACTS
from leadkeeper.rules.conditions import OPERATORS, evaluate, leaves
from leadkeeper.rules.conditions import parse as parse_condition
from leadkeeper.rules.decide import decide, episode
from leadkeeper.rules.facts import Facts, History, Reach
from leadkeeper.rules.model import Rule, parse
from leadkeeper.store.restores import Restored
from leadkeeper.store.schema import STAGES
from tests.rules.people import NOON, SETTINGS

OPEN = Reach(None)
MESSAGE = Facts(
    now=NOON, reach=OPEN, event_id=7, message_id=9, conversation_id=3, contact_id=4, lead_id=5, kind="text",
    text="how much is the visa?", answerable=True, occurred_at=NOON, last_inbound_at=NOON, channel="webchat",
)  # fmt: skip
RULES = [replace(parse(document), id=at) for at, document in enumerate(book.first_set(), 1)]


def rule(**document: Any) -> Rule:
    base = {"key": "r", "name": "R", "trigger": {"kind": "message.received"}, "do": [{"action": "answer"}]}
    return replace(parse({**base, **document}), id=1)


moments = st.none() | st.integers(0, 2 * 365 * 24 * 60).map(
    lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
anything = st.builds(
    Facts,
    now=st.integers(0, 365 * 24 * 60).map(lambda minutes: datetime(2027, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)),
    trigger=st.sampled_from(["message.received", "followup.due", "team.silent", "customer.silent", "date.approaching", "?"]),
    business=st.builds(
        Business,
        stopped=st.booleans(),
        zone=st.sampled_from([ZoneInfo("UTC"), ZoneInfo("Asia/Dubai")]),
        quiet=st.none() | st.tuples(st.times(), st.times()),
        hours=st.dictionaries(st.integers(0, 6), st.tuples(st.times(), st.times())),
        restored=st.none() | st.builds(Restored, st.just(NOON), st.none(), st.integers(0, 9), st.just("r1-"), st.just("hand")),
    ),
    reach=st.builds(Reach, st.none() | st.timedeltas(timedelta(0), timedelta(days=2)), st.booleans()),
    event_id=st.none() | st.integers(1, 9),
    text=st.text(max_size=30),
    answerable=st.booleans(),
    occurred_at=moments,
    words=st.dictionaries(st.sampled_from(["human", "refund", "opt_out", "opt_in"]), st.text(max_size=5)),
    owner=st.sampled_from(["ai", "user", "nobody"]),
    language=st.sampled_from(["en", "ar", "ur"]),
    spoken=st.booleans(),
    unanswered_since=moments,
    last_inbound_at=moments,
    last_outbound_at=moments,
    name=st.none() | st.text(max_size=20),
    opted_out=st.booleans(),
    stage=st.sampled_from(STAGES),
    service=st.none() | st.text(max_size=10),
    autopilot=st.booleans(),
    lead_created_at=moments,
    next_follow_up_at=moments,
    expiry_kind=st.none() | st.sampled_from(["visa", "other"]),
    expires_on=st.none() | st.dates(date(2026, 6, 1), date(2028, 6, 1)),
    automatic_last_hour=st.integers(0, 12),
    proactive_last_day=st.integers(0, 4),
    automatic_since_spoken=st.integers(0, 5),
)


@settings(max_examples=300, deadline=None)
@given(anything, st.sampled_from(RULES), st.sampled_from([None, "answer", "hand_over", "silent"]))
def test_every_rule_decides_about_any_facts_and_always_alike(facts: Facts, which: Rule, settled: str | None) -> None:
    first = decide(which, facts, facts.now, settled=settled)
    second = decide(which, facts, facts.now, settled=settled)

    assert first == second
    assert first.verdict in ("fired", "skipped", "deferred", "blocked")
    assert first.reason
    assert len(first.episode) <= 200
    assert bool(first.actions) == first.fired
    assert (first.until is not None) or first.verdict != "deferred"
    assert plain.explain(first.verdict, first.reason, first.trace, "ar")
    assert all(plain.explain(first.verdict, first.reason, first.trace))


@settings(max_examples=200, deadline=None)
@given(anything)
def test_at_most_one_rule_of_the_first_set_decides_about_a_message(facts: Facts) -> None:
    settled: str | None = None
    fired: list[Rule] = []
    for which in RULES:
        decision = decide(which, replace(facts, trigger="message.received"), facts.now, settled=settled)
        if decision.fired and which.settles:
            fired.append(which)
            settled = settled or ("answer" if which.key == "answer" else "silent")

    assert len(fired) <= 1


@given(anything, st.sampled_from(sorted(FACTS)), st.sampled_from(OPERATORS), st.booleans())
def test_what_is_unknown_never_counts_as_true_nor_does_its_opposite(
    facts: Facts, fact: str, operator: str, negated: bool
) -> None:
    expected: Any = {"present": True, "absent": True, "in": ["x"], "notIn": ["x"], "between": [1, 2]}.get(operator, "x")
    leaf = {"fact": fact, operator: expected}
    try:
        condition = parse_condition({"not": leaf} if negated else leaf)
    except Invalid:  # an operator that does not fit the fact is refused when it is saved
        return

    result, trace = evaluate(condition, facts)

    if FACTS[fact].read(facts) is None and operator not in ("present", "absent"):
        assert result is None
    assert len(leaves(trace)) == 1


def test_a_rule_fires_only_when_all_of_it_is_known_to_be_true() -> None:
    which = rule(when={"all": [{"fact": "lead.service", "isNot": "golden_visa"}]})

    assert decide(which, MESSAGE, NOON).reason == "unknown"
    assert decide(which, replace(MESSAGE, service="golden_visa"), NOON).reason == "conditions"
    assert decide(which, replace(MESSAGE, service="visit_visa"), NOON).fired


def test_any_is_true_beside_something_unknown_and_all_is_not() -> None:
    parts = [{"fact": "lead.service", "is": "x"}, {"fact": "conversation.owner", "is": "ai"}]

    assert evaluate(parse_condition({"any": parts}), MESSAGE)[0] is True
    assert evaluate(parse_condition({"all": parts}), MESSAGE)[0] is None


def test_a_near_miss_is_told_with_the_value_that_was_found() -> None:
    which = rule(when={"all": [{"fact": "message.text", "containsAny": ["visa"]}, {"fact": "lead.score", "over": 60}]})

    decision = decide(which, replace(MESSAGE, score=40), NOON)

    assert decision.near
    assert plain.explain(decision.verdict, decision.reason, decision.trace) == [
        "Not done: a condition was not met",
        "✓ the message contains one of visa (how much is the visa?)",
        "✗ the score is over 60 (40)",
    ]


def test_a_message_a_rule_is_not_about_is_no_near_miss() -> None:
    which = rule(when={"all": [{"fact": "message.text", "containsAny": ["licence"]}, {"fact": "conversation.owner", "is": "ai"}]})

    assert not decide(which, MESSAGE, NOON).near


def test_the_second_rule_that_would_decide_a_message_is_skipped_and_says_so() -> None:
    decision = decide(rule(), MESSAGE, NOON, settled="hand_over")

    assert (decision.verdict, decision.reason, decision.near) == ("skipped", "already_settled", True)


def test_a_greeting_joins_an_answer_and_nothing_else() -> None:
    welcome = next(each for each in RULES if each.key == "welcome")

    assert decide(welcome, MESSAGE, NOON, settled="answer").fired
    assert decide(welcome, MESSAGE, NOON, settled="hand_over").reason == "no_answer_to_join"
    assert decide(welcome, replace(MESSAGE, spoken=True), NOON, settled="answer").reason == "conditions"


def test_an_answer_the_guards_stop_says_what_becomes_of_the_message() -> None:
    answer = rule()

    blocked = decide(answer, replace(MESSAGE, owner="user", owner_id=1), NOON)
    old = decide(answer, replace(MESSAGE, occurred_at=NOON - timedelta(hours=13)), NOON)
    off = decide(answer, replace(MESSAGE, autopilot=False), NOON)

    assert [(each.verdict, each.reason, each.block.action if each.block else None) for each in (blocked, old, off)] == [
        ("blocked", "user_owns", "silent"),
        ("blocked", "too_old", "hand_over"),
        ("blocked", "autopilot_off", "hand_over"),
    ]


SEND = {"trigger": {"kind": "followup.due"}, "do": [{"action": "send_text", "text": {"en": "Hello {name}"}}]}
DUE = replace(MESSAGE, trigger="followup.due", event_id=None, next_follow_up_at=NOON - timedelta(hours=1))


def test_a_cooldown_skips_and_a_cap_defers() -> None:
    cooled = rule(**SEND, limits={"cooldownMinutes": 60})
    capped = rule(**SEND, limits={"maxPerHour": 5})

    fired_before = replace(DUE, history={1: History(last_fired_at=NOON - timedelta(minutes=59))})
    full = replace(DUE, history={1: History(capped_until=NOON + timedelta(minutes=3))})

    assert decide(cooled, fired_before, NOON).reason == "cooldown"
    assert decide(cooled, fired_before, NOON + timedelta(minutes=1)).fired
    assert (decide(capped, full, NOON).verdict, decide(capped, full, NOON).until) == ("deferred", NOON + timedelta(minutes=3))


def test_a_rule_for_business_hours_waits_until_they_begin() -> None:
    shop = business.of({}, SETTINGS)
    saturday_evening = datetime(2027, 3, 13, 18, 0, tzinfo=UTC)
    which = rule(**SEND, limits={"window": "business"})

    decision = decide(which, replace(DUE, business=shop, next_follow_up_at=NOON), saturday_evening)

    assert (decision.verdict, decision.reason) == ("deferred", "outside_hours")
    assert decision.until == datetime(2027, 3, 15, 9, 0, tzinfo=UTC)


def test_where_the_message_may_not_go_a_task_stands_in_for_it_but_not_under_the_stop_switch() -> None:
    which = rule(
        trigger={"kind": "followup.due"},
        do=[*SEND["do"], {"action": "create_task", "instead": True, "title": "Call {name}"}, {"action": "set_follow_up"}],
    )

    usual = decide(which, DUE, NOON)
    shut = decide(which, replace(DUE, reach=Reach(timedelta(hours=24)), last_inbound_at=None), NOON)
    stopped = decide(which, replace(DUE, business=Business(stopped=True)), NOON)

    assert [step.action.name for step in usual.actions] == ["send_text", "set_follow_up"]
    assert [step.action.name for step in shut.actions] == ["create_task", "set_follow_up"]
    assert shut.reason == "instead:window"
    assert (stopped.verdict, stopped.reason) == ("blocked", "stop_switch")


def test_silence_holds_for_its_length_and_names_its_beginning() -> None:
    quiet = {"last_inbound_at": NOON - timedelta(days=3), "last_outbound_at": NOON - timedelta(days=2)}
    facts = replace(DUE, next_follow_up_at=None, **quiet)
    lead = rule(trigger={"kind": "followup.due", "silentDays": 2}, do=SEND["do"])
    them = rule(trigger={"kind": "customer.silent", "hours": 48}, do=SEND["do"])
    us = rule(trigger={"kind": "team.silent", "hours": 48}, do=SEND["do"])

    theirs = replace(facts, trigger="customer.silent")
    ours = replace(facts, trigger="team.silent", unanswered_since=NOON - timedelta(hours=48))

    assert decide(lead, facts, NOON).fired
    assert not decide(lead, facts, NOON - timedelta(seconds=1)).fired
    assert not decide(rule(**SEND), facts, NOON).fired
    assert decide(them, theirs, NOON).fired
    assert not decide(them, replace(theirs, last_inbound_at=NOON), NOON).fired
    assert decide(us, ours, NOON).fired
    assert not decide(us, replace(ours, unanswered_since=None), NOON).fired
    assert episode(lead, facts) != episode(lead, replace(facts, last_outbound_at=NOON))
    assert episode(them, theirs) == episode(them, replace(theirs, last_outbound_at=NOON))


def test_a_due_thing_that_is_due_no_more_ends_its_episode() -> None:
    assert decide(rule(**SEND), replace(DUE, next_follow_up_at=NOON + timedelta(days=1)), NOON).reason == "episode_ended"


@pytest.mark.parametrize(
    ("days", "catch_up", "left", "fires"),
    [
        (90, 5, 91, False), (90, 5, 90, True), (90, 5, 85, True), (90, 5, 84, False), (30, 0, 30, True), (30, 0, 29, False),
        (1, 2, 0, True), (1, 2, -1, False), (-1, 2, 0, False), (-1, 2, -1, True), (-1, 2, -3, True), (-1, 2, -4, False),
    ],
)  # fmt: skip
def test_a_reminder_goes_on_its_day_or_late_within_its_catch_up_and_never_before(
    days: int, catch_up: int, left: int, fires: bool
) -> None:
    which = rule(trigger={"kind": "date.approaching", "days": days, "catchUpDays": catch_up}, do=SEND["do"])
    due = replace(DUE, trigger="date.approaching", expiry_kind="visa", expires_on=NOON.date() + timedelta(days=left))

    assert decide(which, due, NOON).fired is fires


def test_days_are_counted_on_the_business_calendar() -> None:
    which = rule(trigger={"kind": "date.approaching", "days": 1, "catchUpDays": 0}, do=SEND["do"])
    due = replace(DUE, trigger="date.approaching", expiry_kind="visa", expires_on=NOON.date() + timedelta(days=2))
    late = datetime(2027, 3, 10, 21, 0, tzinfo=UTC)

    assert not decide(which, due, late).fired
    assert decide(which, replace(due, business=Business(zone=ZoneInfo("Asia/Dubai"))), late).fired


def test_an_episode_names_the_state_it_stands_on_and_not_the_version_of_its_rule() -> None:
    which = rule(**SEND)
    later = replace(DUE, next_follow_up_at=NOON)

    assert episode(which, DUE) == episode(replace(which, version=9), DUE)
    assert episode(which, DUE) != episode(which, later)
    assert episode(rule(**SEND, limits={"oncePer": "contact"}), DUE) == "contact:4"
    assert episode(rule(**SEND, limits={"oncePer": "day"}), DUE) == "contact:4:2027-03-10"
    assert episode(rule(**SEND, limits={"oncePer": "ever"}), DUE) == "ever"
