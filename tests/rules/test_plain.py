"""Rules and their runs in plain words, in English and Arabic, with no code standing in them."""

import re
from typing import Any

import pytest

from leadkeeper.rules import plain
from leadkeeper.rules.catalogue import FACTS
from leadkeeper.rules.conditions import _OPERATORS
from leadkeeper.rules.guards import ORDER
from leadkeeper.rules.model import parse
from leadkeeper.rules.plain_words import NEGATED, REASONS, plural

HELLO = {"action": "send_text", "text": {"en": "Hello", "ar": "مرحبًا"}}


def told(language: str = "en", **document: Any) -> str:
    base = {"key": "r", "name": "R", "trigger": {"kind": "message.received"}, "do": [{"action": "answer"}]}
    return plain.describe(parse({**base, **document}), language)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "When a customer writes: answer from the training documents."),
        (
            {"trigger": {"kind": "team.silent", "hours": 48}, "do": [{"action": "create_task", "title": "Look"}]},
            "When nobody has answered a customer for 48 hours: make a task “Look”.",
        ),
        (
            {"trigger": {"kind": "date.approaching", "days": 1, "kinds": ["visa", "passport"]}, "do": [HELLO]},
            "1 day before visa / passport: send “Hello”.",
        ),
        ({"trigger": {"kind": "date.approaching", "days": 0}, "do": [HELLO]}, "On the day of an expiry: send “Hello”."),
        ({"trigger": {"kind": "date.approaching", "days": -2}, "do": [HELLO]}, "2 days after an expiry: send “Hello”."),
        (
            {
                "trigger": {"kind": "customer.silent", "hours": 24},
                "do": [HELLO, {"action": "set_follow_up", "inDays": 2}],
                "limits": {"oncePer": "day", "cooldownMinutes": 90, "maxPerHour": 5, "window": "business"},
            },
            "When a customer has not answered us for 24 hours: send “Hello”, then follow up again in 2 days; "
            "at most once a day per customer; not again within 90 minutes; at most 5 an hour; in business hours only.",
        ),
        (
            {"when": {"any": [{"fact": "lead.score", "over": 70}, {"not": {"fact": "lead.stage", "is": "lost"}}]}},
            "When a customer writes, if the score is over 70 or it is not so that the stage is lost: "
            "answer from the training documents.",
        ),
        (
            {"when": {"all": [{"any": [{"fact": "channel", "in": ["a", "b"]}, {"fact": "contact.name", "present": True}]},
                              {"fact": "contact.opted_out", "is": False}, {"fact": "conversation.owner", "isNot": "user"}]}},
            "When a customer writes, if (the channel is one of a, b or the customer's name is known) "
            "and the customer takes messages "
            "and no person looks after the conversation: answer from the training documents.",
        ),
    ],
)  # fmt: skip
def test_a_rule_is_one_sentence(document: dict[str, Any], said: str) -> None:
    assert told(**document) == said


ACTIONS: list[tuple[dict[str, Any], str, str]] = [
    ({"action": "set_stage", "stage": "on_hold"}, "move the lead to “on hold”", "on hold"),
    ({"action": "assign"}, "assign to the lead's owner", "أسند المحادثة إلى المسؤول"),
    ({"action": "assign", "userId": 4}, "assign to user 4", "المستخدم 4"),
    ({"action": "send_template", "template": "t"}, "send the template t", "أرسل القالب t"),
    ({"action": "set_follow_up"}, "clear the follow-up date", "أزل موعد المتابعة"),
    ({"action": "set_follow_up", "inDays": 3}, "follow up again in 3 days", "بعد 3"),
    ({"action": "hand_over", "reason": "big_boats"}, "hand over to a person (big boats)", "سلّم المحادثة إلى موظف"),
]


@pytest.mark.parametrize(("action", "english", "arabic"), ACTIONS)
def test_actions_in_both_languages(action: dict[str, Any], english: str, arabic: str) -> None:
    document = {"trigger": {"kind": "followup.due"}, "do": [action]}

    assert told(**document) == f"When a follow-up is due: {english}."
    assert arabic in told("ar", **document)


def test_the_same_in_arabic() -> None:
    said = told("ar", trigger={"kind": "followup.due", "silentDays": 2}, do=[HELLO], limits={"oncePer": "contact"})

    assert said == "عندما يحين موعد متابعة أو يمرّ يومين دون أي رسالة: أرسل «\u2068مرحبًا\u2069»؛ مرة واحدة لكل عميل."


def test_counts_take_the_form_arabic_asks_for() -> None:
    assert [plural(count, "day", "ar") for count in (1, 2, 7, 30)] == ["يوم واحد", "يومين", "7 أيام", "30 يومًا"]


VALUES: dict[str, Any] = {"number": 3, "flag": True, "text": "abc"}


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize(
    ("fact", "operator"),
    [(fact.name, name) for fact in FACTS.values() for name, (kinds, _, _) in _OPERATORS.items() if fact.kind in kinds],
)
def test_every_fact_with_every_operator_has_words(fact: str, operator: str, language: str) -> None:
    known = FACTS[fact]
    one = known.choices[0] if known.choices else VALUES[known.kind]
    shape = _OPERATORS[operator][1]
    expected = {"one": one, "many": [one], "two": [one, one], "true": True}[shape]

    said = told(language, when={"all": [{"fact": fact, operator: expected}]})

    assert "{" not in said
    assert fact not in said or "." not in fact
    assert bool(re.search("[\u0600-\u06ff]", said)) == (language == "ar")


def test_every_flag_has_words_for_its_opposite_and_every_guard_for_its_reason() -> None:
    assert {fact.name for fact in FACTS.values() if fact.kind == "flag"} == NEGATED.keys()
    assert {guard for guards in ORDER.values() for guard in guards} <= REASONS.keys()


def test_a_run_is_explained_with_guard_effects_and_unknown_values() -> None:
    trace = {
        "when": {
            "all": [{"fact": "lead.service", "operator": "is", "expected": "visa", "value": None, "result": None}],
            "result": None,
        },
        "guard": {"name": "window", "action": "skip", "until": None},
        "effects": [{"status": "done", "reason": "task made"}, {"status": "skipped", "reason": "nobody there"}],
    }

    assert plain.explain("fired", "instead:window", trace) == [
        "Done: a task instead of the message (the channel does not let us write freely now)",
        "? the service is visa (unknown)",
        "guard: the channel does not let us write freely now",
        "✓ task made",
        "– nobody there",
    ]
    assert plain.explain("fired", "instead:window", trace, "ar")[0].startswith("نُفّذت: بدلاً من الرسالة")


def test_a_reason_or_fact_of_an_older_version_stands_as_it_is() -> None:
    trace = {"when": {"fact": "gone.fact", "operator": "is", "expected": 1, "value": True, "result": False}}

    assert plain.explain("skipped", "some_reason", trace) == ["Not done: some reason", "✗ gone.fact (yes)"]
