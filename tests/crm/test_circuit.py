"""The circuit of an account: it opens after failures in a row, lets one trial go after each rest, and closes at any answer."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.crm.circuit import (
    FIRST_REST,
    LONGEST_REST,
    MEMORY,
    MOST,
    TRIAL,
    Answered,
    Begun,
    Circuit,
    Event,
    Failed,
    Hurried,
    after,
    of_json,
)

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def open_one(now: datetime = START) -> Circuit:
    circuit = None
    for number in range(MOST):
        circuit = after(circuit, Failed(number), now)
    assert circuit is not None
    return circuit


def test_it_opens_at_so_many_failures_in_a_row_and_an_answer_between_begins_the_row_anew() -> None:
    circuit = None
    for event in [Failed(1)] * (MOST - 1) + [Answered()] + [Failed(1)] * (MOST - 1):
        circuit = after(circuit, event, START)
    assert circuit is not None and not circuit.is_open

    opened = after(circuit, Failed(2), START)

    assert opened == Circuit(MOST, START, START, 1, START + FIRST_REST)


def test_failures_that_lie_far_apart_are_no_row() -> None:
    circuit, now = None, START
    for _ in range(4 * MOST):
        circuit, now = after(circuit, Failed(1), now), now + MEMORY + SECOND

    assert circuit is not None and circuit.failures == 1


def test_one_trial_goes_when_the_rest_is_over_and_its_failure_doubles_the_next_up_to_five_minutes() -> None:
    circuit: Circuit | None = open_one()
    rests = []
    for number in range(10):
        assert circuit is not None and circuit.until is not None
        begins = circuit.until
        circuit = after(circuit, Begun(number), begins)
        assert circuit is not None and (circuit.trial, circuit.until) == (number, begins + TRIAL)
        circuit = after(circuit, Failed(number), begins + SECOND)
        assert circuit is not None and circuit.until is not None
        rests.append(circuit.until - begins - SECOND)

    assert rests == [min(LONGEST_REST, FIRST_REST * 2**n) for n in range(1, 11)]
    assert circuit is not None and (circuit.opened_at, circuit.failures) == (START, MOST + 10)


def test_the_failures_of_those_that_began_before_change_nothing_while_it_is_open() -> None:
    trying = after(open_one(), Begun(7), START + FIRST_REST)

    assert after(open_one(), Failed(99), START + SECOND) == open_one()
    assert after(trying, Failed(99), START + FIRST_REST + SECOND) == trying


def test_a_trial_nobody_hears_of_again_makes_room_for_another() -> None:
    trying = after(open_one(), Begun(7), START + FIRST_REST)
    assert after(trying, Begun(8), START + FIRST_REST + TRIAL - SECOND) == trying

    other = after(trying, Begun(8), START + FIRST_REST + TRIAL)

    assert other is not None and other.trial == 8


def test_a_person_who_hurries_has_the_trial_now_and_short_rests_again() -> None:
    later = START + SECOND
    hurried = after(replace(open_one(), openings=7), Hurried(), later)

    assert hurried is not None and hurried.is_open and hurried.rests_until(later) is None
    tried = after(after(hurried, Begun(1), later), Failed(1), later)
    assert tried is not None and tried.until == later + FIRST_REST
    assert after(None, Hurried(), later) is None
    assert after(None, Begun(1), later) is None


EVENTS = st.one_of(
    st.builds(Failed, st.integers(1, 4), st.floats(0.8, 1.2)),
    st.just(Answered()),
    st.builds(Begun, st.integers(1, 4)),
    st.just(Hurried()),
)
WAITS = st.sampled_from([0, 0.5, 4, 6, 29, 31, 299, 301, 601])


@given(st.lists(st.tuples(WAITS, EVENTS), max_size=60))
def test_whatever_happens_one_at_most_goes_at_a_time_and_never_too_long_nothing(steps: list[tuple[float, Event]]) -> None:
    circuit, now = None, START
    row = 0
    for seconds, event in steps:
        now += seconds * SECOND
        before, circuit = circuit, after(circuit, event, now)

        assert of_json(None if circuit is None else circuit.as_json()) == circuit
        row = 0 if isinstance(event, Answered) else row + isinstance(event, Failed)
        if isinstance(event, Answered):
            assert circuit is None, "any answer closes it"
            continue
        if circuit is None:
            continue
        assert circuit.failures <= row, "only failures count, and only those since the last answer"
        assert circuit.is_open == (circuit.failures >= MOST) == (circuit.until is not None)
        if circuit.is_open:
            assert circuit.until is not None and circuit.until - now <= max(LONGEST_REST * 1.2, TRIAL)
        if before is not None and before.is_open and before.rests_until(now) is not None and not isinstance(event, Hurried):
            mine = isinstance(event, Failed) and event.message_id == before.trial
            assert mine or circuit == before, "while it rests or a trial runs, nothing but the trial's own end counts"
        if before is not None and circuit.trial is not None and circuit.trial != before.trial:
            assert before.rests_until(now) is None, "no trial begins before the rest is over, or while another runs"
