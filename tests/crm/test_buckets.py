"""Providers' limits: never more than the burst in any window, and whoever waits gets a turn, in order."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, select

from leadkeeper.crm.buckets import Ask, Bucket, Rate, empty, take, turn_of
from leadkeeper.store.database import Database
from leadkeeper.store.schema import buckets
from tests.queue.conftest import at

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PAIR = Rate(6 * SECOND, burst=45)

Moments = Mapping[str, Sequence[datetime]]


def take_at(db: Database, moment: datetime, *asks: Ask) -> list[datetime | None]:
    with at(moment):
        return db.write_now(take, list(asks))


def test_a_burst_goes_at_once_and_the_next_one_gets_its_turn_six_seconds_later(db: Database) -> None:
    turns = take_at(db, START, *(Ask({"pair:1": PAIR}) for _ in range(47)))

    assert turns == [None] * 45 + [START + 6 * SECOND, START + 12 * SECOND]
    assert take_at(db, START + 6 * SECOND, Ask({"pair:1": PAIR}, waited=True)) == [None]
    assert take_at(db, START + 12 * SECOND, Ask({"pair:1": PAIR}, waited=True)) == [None]


def test_a_newcomer_does_not_overtake_those_who_wait(db: Database) -> None:
    one = Rate(SECOND, burst=1)
    take_at(db, START, *(Ask({"account:1": one}) for _ in range(3)))

    newcomer, first = take_at(db, START + SECOND, Ask({"account:1": one}), Ask({"account:1": one}, waited=True))

    assert first is None
    assert newcomer == START + 3 * SECOND


def test_one_that_needs_two_tokens_takes_none_while_one_is_missing(db: Database) -> None:
    one, many = Rate(60 * SECOND, burst=1), Rate(SECOND, burst=2)
    assert take_at(db, START, Ask({"pair:1": one, "account:1": many})) == [None]

    refused, other = take_at(db, START, Ask({"pair:1": one, "account:1": many}), Ask({"account:1": many}))

    assert refused == START + 60 * SECOND
    assert other is None


def test_a_bucket_that_was_emptied_by_the_provider_gives_one_token_at_a_time_from_then_on(db: Database) -> None:
    with at(START):
        db.write_now(empty, "pair:1", PAIR, START + 64 * SECOND)

    turns = take_at(db, START, Ask({"pair:1": PAIR}), Ask({"pair:1": PAIR}))

    assert turns == [START + 64 * SECOND, START + 70 * SECOND]
    with at(START):
        db.write_now(empty, "pair:1", PAIR, START + SECOND)
    assert full_at(db) == START + 64 * SECOND + 44 * PAIR.every, "a longer wait stands"


def test_what_no_limit_concerns_asks_no_bucket(db: Database) -> None:
    assert take_at(db, START, Ask({}), Ask({})) == [None, None]
    assert db.read_now(lambda conn: conn.execute(select(buckets)).all()) == []


def full_at(db: Database) -> datetime:
    found: datetime = db.read_now(lambda conn: conn.execute(select(buckets.c.full_at)).scalar_one())
    return found


RATES = st.builds(Rate, st.sampled_from([SECOND / 80, SECOND, 6 * SECOND]), st.integers(1, 5))
STEPS = st.lists(st.tuples(st.sampled_from([0.0, 0.01, 0.4, 1.0, 7.0]), st.integers(1, 6)), min_size=1, max_size=25)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rate=RATES, steps=STEPS)
def test_never_more_than_the_burst_in_any_window_and_the_rows_say_what_the_rule_says(
    db: Database, rate: Rate, steps: list[tuple[float, int]]
) -> None:
    model = {"b": Bucket(rate, START, START)}
    now = START
    gone: list[datetime] = []

    def play(conn: Connection) -> None:
        nonlocal now
        conn.execute(delete(buckets))
        for seconds, count in steps:
            now += seconds * SECOND
            asks = [Ask({"b": rate}, waited=bool(n % 2)) for n in range(count)]
            with at(now):
                turns = take(conn, asks)
            assert turns == [turn_of(ask, model, now) for ask in asks]
            gone.extend(now for turn in turns if turn is None)

    db.write_now(play)

    assert_within(rate, gone)


@settings(max_examples=150, deadline=None)
@given(rate=RATES, arrivals=st.lists(st.sampled_from([0.0, 0.0, 0.05, 0.5, 3.0]), min_size=1, max_size=60))
def test_who_keeps_to_the_turn_it_was_given_goes_then_in_the_order_of_coming(rate: Rate, arrivals: list[float]) -> None:
    bucket = {"b": Bucket(rate, START, START)}
    moment = START
    waiting: list[tuple[datetime, int, bool]] = []
    for number, seconds in enumerate(arrivals):
        moment += seconds * SECOND
        waiting.append((moment, number, False))
    came = {number: when for when, number, _ in waiting}
    gone: list[tuple[datetime, int]] = []
    looks = 0

    while waiting:
        waiting.sort()
        now, number, waited = waiting.pop(0)
        turn = turn_of(Ask({"b": rate}, waited), bucket, now)
        looks += 1
        if turn is None:
            gone.append((now, number))
        else:
            assert turn > now
            waiting.append((turn, number, True))

    assert [number for _, number in gone] == sorted(number for _, number in gone), "nobody is overtaken"
    assert looks <= 2 * len(arrivals), "nobody comes in vain: its turn is kept"
    assert all(when - came[number] <= rate.every * (number + 1) for when, number in gone), "nobody starves"
    assert_within(rate, [when for when, _ in gone])


@settings(max_examples=100, deadline=None)
@given(rate=RATES, late=st.floats(0, 100), count=st.integers(1, 40))
def test_turns_that_were_missed_do_not_all_go_at_once(rate: Rate, late: float, count: int) -> None:
    bucket = {"b": Bucket(rate, START, START)}
    turns = [turn_of(Ask({"b": rate}), bucket, START) for _ in range(count)]
    now = max([START, *(turn for turn in turns if turn)]) + late * SECOND

    gone = [now for turn in turns if turn and turn_of(Ask({"b": rate}, waited=True), bucket, now) is None]

    assert len(gone) <= rate.burst


def assert_within(rate: Rate, gone: list[datetime]) -> None:
    """Any n sends that went lie at least so far apart as n tokens beyond the burst take to grow."""
    for first, start in enumerate(gone):
        for last, end in enumerate(gone[first:], 1):
            assert end - start >= (last - rate.burst) * rate.every, (rate, start, end, last)
