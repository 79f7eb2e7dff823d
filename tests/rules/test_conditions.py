"""Operators of conditions: what each says of each kind of fact."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from leadkeeper.rules.conditions import dump, evaluate, leaves, parse
from leadkeeper.rules.facts import Facts, Reach
from tests.rules.people import NOON

FACTS = Facts(
    now=NOON, text="What is the PRICE of a Golden-Visa?", message_id=1, kind="text", channel="whatsapp", stage="qualified",
    score=70,
    words={"refund": "money back", "anger": "ridiculous"}, name="Ravi", lead_created_at=NOON - timedelta(days=3), service=None,
    unanswered_since=NOON - timedelta(hours=5), reach=Reach(timedelta(hours=24)), last_inbound_at=NOON, occurred_at=NOON,
)  # fmt: skip


@pytest.mark.parametrize(
    ("fact", "operator", "expected", "result"),
    [
        ("message.text", "containsAny", ["cost", "price"], True),
        ("message.text", "containsAny", ["pric"], False),
        ("message.text", "containsAny", ["golden visa"], True),
        ("message.text", "containsAll", ["price", "golden"], True),
        ("message.text", "containsAll", ["price", "silver"], False),
        ("message.text", "startsWith", "what is", True),
        ("message.text", "startsWith", "price", False),
        ("message.words", "containsAny", ["refund", "human"], True),
        ("message.words", "containsAll", ["refund", "human"], False),
        ("message.words", "present", True, True),
        ("message.words", "absent", True, False),
        ("channel", "is", "WhatsApp", True),
        ("channel", "isNot", "webchat", True),
        ("channel", "in", ["webchat", "whatsapp"], True),
        ("channel", "notIn", ["webchat", "whatsapp"], False),
        ("lead.stage", "in", ["qualified"], True),
        ("lead.score", "is", 70, True),
        ("lead.score", "over", 70, False),
        ("lead.score", "under", 70.5, True),
        ("lead.score", "between", [70, 80], True),
        ("lead.age_days", "between", [2, 4], True),
        ("lead.service", "present", True, False),
        ("lead.service", "absent", True, True),
        ("lead.service", "is", "x", None),
        ("lead.service", "notIn", ["x"], None),
        ("lead.has_owner", "is", False, True),
        ("lead.has_owner", "isNot", False, False),
        ("contact.name", "startsWith", "ra", False),
        ("conversation.unanswered_hours", "over", 4, True),
        ("conversation.hours_to_close", "is", 24, True),
        ("conversation.window_open", "is", True, True),
        ("time.weekday", "is", "wed", True),
        ("time.hour", "between", [9, 17], True),
        ("message.age_hours", "under", 1, True),
        ("sent.last_hour", "is", 0, True),
    ],
)
def test_operators(fact: str, operator: str, expected: Any, result: bool | None) -> None:
    condition = parse({"fact": fact, operator: expected})

    found, trace = evaluate(condition, FACTS)

    assert found is result
    assert trace["result"] is result
    assert parse(dump(condition)) == condition


def test_a_trace_holds_the_phrases_that_were_found_and_short_values_only() -> None:
    words = evaluate(parse({"fact": "message.words", "containsAny": ["refund"]}), FACTS)[1]
    text = evaluate(parse({"fact": "message.text", "containsAny": ["x"]}), replace(FACTS, text="long " * 200))[1]

    assert words["value"] == {"refund": "money back", "anger": "ridiculous"}
    assert len(text["value"]) == 200


def test_a_tree_is_told_whole_and_nested() -> None:
    tree = {
        "all": [
            {"any": [{"fact": "lead.score", "over": 90}, {"not": {"fact": "lead.stage", "is": "lost"}}]},
            {"fact": "channel", "is": "x"},
        ]
    }

    result, trace = evaluate(parse(tree), FACTS)

    assert result is False
    assert [leaf["result"] for leaf in leaves(trace)] == [False, False, False]
    assert trace["all"][0]["any"][1]["result"] is True


def test_nothing_asked_is_true() -> None:
    assert evaluate(parse({"all": []}), FACTS)[0] is True


def test_a_tree_without_end_is_refused() -> None:
    tree: dict[str, Any] = {"fact": "lead.score", "over": 1}
    for _ in range(20):
        tree = {"not": tree}

    with pytest.raises(Exception, match="nested deeper"):
        parse(tree)
