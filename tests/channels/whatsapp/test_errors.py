"""Every documented code and what follows from it. The table here is written from facts, not from the code."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadkeeper.channels.base import Refused, Rejected, SendResult, Unknown
from leadkeeper.channels.whatsapp.errors import TABLE, action_of, failure_of, result_of
from leadkeeper.channels.whatsapp.graph import Answer

RETRY = [1, 2, 131000, 131016, 135000]
HALT = [0, 190, 368, 131031, 131042, 131044, 3, 10, 131005, *range(200, 300)]
SNOOZE = {4: "account", 80007: "account", 130429: "account", 131057: "account", 131056: "pair", 131048: "proactive",
          131064: "proactive", 131049: "message"}  # fmt: skip
OTHERWISE = {131047: "template", 131050: "opt_out", 131062: "phone", 132001: "language", 137000: "hand_over"}
FAIL = [130472, 131026, 131021, 131030, 131045, 131037, 133010, 131008, 131009, 100, 33, 131051, 131063, 132000, 132005,
        132008, 132012, 132018, 132007, 132015, 132016, 132068, 132069, 130497]  # fmt: skip
ONCE = [131052, 131053]


def came_to(code: object, status: int = 400, attempt: int = 1, **more: object) -> SendResult:
    data = {"error": {"code": code, "message": "no", "error_data": {"details": "because"}, **more}}
    return result_of(Answer(status, data), attempt)


@pytest.mark.parametrize("status", [400, 500, 503, 200])
@pytest.mark.parametrize("code", RETRY)
def test_transient_codes_are_tried_again(code: int, status: int) -> None:
    assert came_to(code, status) == Refused("because", code=str(code), down=True)


@pytest.mark.parametrize("code", HALT)
def test_credentials_locks_payment_and_permissions_halt_the_account(code: int) -> None:
    assert came_to(code) == Rejected(str(code), "because", "halt", asked=True)


@pytest.mark.parametrize(("code", "scope"), SNOOZE.items())
def test_rate_limits_wait_without_using_a_try(code: int, scope: str) -> None:
    result = came_to(code)
    assert isinstance(result, Refused)
    assert (result.counts, result.scope, result.code) == (False, scope, str(code))
    assert result.after is not None
    assert result.after > timedelta(0)


@pytest.mark.parametrize(("code", "action"), OTHERWISE.items())
def test_codes_with_a_way_of_their_own(code: int, action: str) -> None:
    assert came_to(code) == Rejected(str(code), "because", action, asked=True)


@pytest.mark.parametrize("code", FAIL)
def test_codes_that_say_never_or_fix_fail_at_once(code: int) -> None:
    for status in (400, 403, 500):
        assert came_to(code, status) == Rejected(str(code), "because", "fail", asked=True)


@pytest.mark.parametrize("code", ONCE)
def test_a_media_error_is_tried_once_more(code: int) -> None:
    assert isinstance(came_to(code, attempt=1), Refused)
    assert came_to(code, attempt=2) == Rejected(str(code), "because", "link", asked=True)


@pytest.mark.parametrize(
    ("code", "action"),
    [("131042", "halt"), ("131047", "template"), ("131050", "opt_out"), ("131053", "link"), ("131049", "fail"),
     ("131026", "fail"), ("9", "fail"), ("", "fail"), ("soon", "fail"), (None, "fail")],
)  # fmt: skip
def test_a_failure_told_by_a_status_asks_for_the_same(code: str | None, action: str) -> None:
    assert action_of(code) == action


def test_the_tables_agree() -> None:
    assert set(TABLE) == {*RETRY, *HALT, *SNOOZE, *OTHERWISE, *FAIL, *ONCE}


def test_the_pair_rate_waits_four_times_longer_each_time() -> None:
    waits = [came_to(131056, attempt=attempt) for attempt in (1, 2, 3, 4, 5, 6, 50)]
    seconds = [result.after.total_seconds() for result in waits if isinstance(result, Refused) and result.after]
    assert seconds == [1, 4, 16, 64, 256, 256, 256]


def test_what_the_provider_withheld_waits_a_day_at_least() -> None:
    result = came_to(131049)
    assert isinstance(result, Refused)
    assert result.after == timedelta(days=1)


def test_429_without_a_code_is_a_rate_limit_of_the_account() -> None:
    assert result_of(Answer(429, None), 1) == Refused(
        "HTTP 429 without a known answer", counts=False, after=timedelta(seconds=60), scope="account", code="429"
    )


@pytest.mark.parametrize(("given_value", "seconds"), [("120", 120), ("5", 60), ("999999", 3_600), ("soon", 60), ("-5", 60)])
def test_the_provider_may_ask_for_a_longer_wait(given_value: str, seconds: int) -> None:
    result = result_of(Answer(429, {}, {"retry-after": given_value}), 1)
    assert isinstance(result, Refused)
    assert result.after == timedelta(seconds=seconds)


def test_a_code_is_believed_before_the_status() -> None:
    assert came_to(131026, 429) == Rejected("131026", "because", asked=True)


@pytest.mark.parametrize("code", ["131026", 131026])
def test_a_code_may_be_written_as_text(code: object) -> None:
    assert came_to(code) == Rejected("131026", "because", asked=True)


def test_a_refusal_with_a_code_nobody_documented_fails() -> None:
    assert came_to(987_654, 400) == Rejected("987654", "because", asked=True)


@pytest.mark.parametrize("status", [200, 302, 500, 502, 503])
def test_an_undocumented_code_without_a_refusal_is_in_doubt(status: int) -> None:
    assert came_to(987_654, status) == Unknown("because")


def test_an_undocumented_transient_refusal_is_in_doubt() -> None:
    assert came_to(987_654, 400, is_transient=True) == Unknown("because")


@pytest.mark.parametrize("code", [None, True, False, "abc", "", [], {}, 1.5])
def test_an_error_without_a_code_is_not_well_formed(code: object) -> None:
    assert isinstance(came_to(code, 400), Unknown)
    assert isinstance(came_to(code, 500), Unknown)


def test_the_trace_of_the_provider_is_kept() -> None:
    result = came_to(131026, fbtrace_id="Abc123")
    assert isinstance(result, Rejected)
    assert result.reason == "because (trace Abc123)"


def test_a_call_that_reads_tells_code_and_reason() -> None:
    assert failure_of(Answer(401, {"error": {"code": 190, "message": "expired"}})) == ("190", "expired")
    assert failure_of(Answer(500, None)) == (None, "HTTP 500 without a known answer")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "code", "messages", "id", "contacts", "x"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(100, 599),
    st.dictionaries(st.sampled_from(["error", "messages", "contacts"]), JSON) | st.none(),
    st.integers(1, 9),
)
def test_nothing_undocumented_is_ever_repeated(status: int, data: dict[str, object] | None, attempt: int) -> None:
    result = result_of(Answer(status, data), attempt)

    if isinstance(result, Refused):
        assert status == 429 or int(result.code or -1) in TABLE
