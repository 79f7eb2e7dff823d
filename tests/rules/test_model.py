"""A rule document is checked when it is saved: what is not known is refused, and the field is named."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadkeeper.errors import Invalid
from leadkeeper.rules import book, plain
from leadkeeper.rules.actions.base import actions
from leadkeeper.rules.legacy import from_legacy
from leadkeeper.rules.model import dump, parse

GOOD: dict[str, Any] = {
    "key": "price",
    "name": "Prices",
    "trigger": {"kind": "message.received"},
    "when": {"all": [{"fact": "message.text", "containsAny": ["price"]}]},
    "do": [{"action": "answer"}],
}
TEXT = {"action": "send_text", "text": {"en": "Hello {name}"}}
TIMED = {"trigger": {"kind": "followup.due"}, "do": [TEXT]}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"key": "With Space"}, "key"),
        ({"name": " "}, "name"),
        ({"trigger": {"kind": "moon.full"}}, "trigger.kind"),
        ({"trigger": {"kind": "message.received", "hours": 4}}, "trigger.hours"),
        ({"trigger": {"kind": "team.silent"}}, "trigger.hours"),
        ({"trigger": {"kind": "team.silent", "hours": "48"}}, "trigger.hours"),
        ({"trigger": {"kind": "date.approaching", "days": 400}}, "trigger.days"),
        ({"when": {"some": []}}, "when"),
        ({"when": {"all": [], "any": []}}, "when"),
        ({"when": {"any": []}}, "when.any"),
        ({"when": {"all": [{"fact": "lead.colour", "is": "red"}]}}, "when.all[0].fact"),
        ({"when": {"all": [{"fact": "lead.stage"}]}}, "when.all[0]"),
        ({"when": {"all": [{"fact": "lead.stage", "is": "lost", "isNot": "new"}]}}, "when.all[0]"),
        ({"when": {"all": [{"fact": "lead.stage", "resembles": "lost"}]}}, "when.all[0].resembles"),
        ({"when": {"all": [{"fact": "lead.stage", "is": "hot"}]}}, "when.all[0].is"),
        ({"when": {"not": {"fact": "lead.score", "over": "70"}}}, "when.not.over"),
        ({"when": {"all": [{"fact": "lead.score", "over": True}]}}, "when.all[0].over"),
        ({"when": {"all": [{"fact": "lead.score", "over": float("nan")}]}}, "when.all[0].over"),
        ({"when": {"all": [{"fact": "lead.score", "between": [9, 1]}]}}, "when.all[0].between"),
        ({"when": {"all": [{"fact": "lead.score", "containsAny": ["7"]}]}}, "when.all[0].containsAny"),
        ({"when": {"all": [{"fact": "message.words", "containsAny": ["rage"]}]}}, "when.all[0].containsAny"),
        ({"when": {"all": [{"fact": "contact.name", "present": False}]}}, "when.all[0].present"),
        ({"do": []}, "do"),
        ({"do": [{"action": "launch"}]}, "do[0].action"),
        ({"do": [{"action": "answer", "tone": "kind"}]}, "do[0].tone"),
        ({"do": [{"action": "send_text"}]}, "do[0].text"),
        ({"do": [{"action": "send_text", "text": {"en": "Hello {firstname}"}}]}, "do[0].text.en"),
        ({"do": [{"action": "send_text", "text": {"en": "Hello {{name}}"}}]}, "do[0].text.en"),
        ({"do": [{"action": "send_text", "text": {"en": "Hello {name"}}]}, "do[0].text.en"),
        ({"do": [{"action": "send_text", "text": {"en": " "}}]}, "do[0].text.en"),
        ({"do": [{"action": "send_text", "text": {"ar": "مرحبا"}}]}, "do[0].text.en"),
        ({"do": [{"action": "send_text", "text": {"en": "a", "fr": "b"}}]}, "do[0].text.fr"),
        ({"do": [{"action": "create_task", "title": "Call {lead.contact.fullName}"}]}, "do[0].title"),
        ({"do": [{"action": "set_stage", "stage": "hot"}]}, "do[0].stage"),
        ({"do": [{"action": "hand_over", "reason": "Two Words"}]}, "do[0].reason"),
        ({"do": [{"action": "answer"}, TEXT]}, "do"),
        ({"do": [{"action": "create_task", "title": "x", "instead": True}]}, "do[0].instead"),
        ({"do": [{"action": "create_task", "title": "x", "instead": "yes"}]}, "do[0].instead"),
        ({"trigger": {"kind": "followup.due"}}, "do[0].action"),
        ({"limits": {"cooldownMinutes": 5}}, "limits"),
        ({"limits": {"oncePer": "day"}}, "limits"),
        ({"limits": {"window": "business"}}, "limits.window"),
        ({"limits": {"perWeek": 1}}, "limits.perWeek"),
        ({**TIMED, "limits": {"oncePer": "year"}}, "limits.oncePer"),
        ({**TIMED, "limits": {"maxPerHour": 0}}, "limits.maxPerHour"),
    ],
)
def test_what_is_wrong_is_refused_with_its_field_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse({**GOOD, **change})

    assert field in refused.value.fields


def test_every_wrong_field_is_named_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        parse({"key": "", "name": "", "trigger": {"kind": "x"}, "do": [{"action": "y"}], "extra": 1})

    assert refused.value.fields.keys() == {"key", "name", "trigger.kind", "do[0].action", "extra"}


def test_a_rule_that_decides_about_messages_cannot_be_throttled_because_that_would_drop_some() -> None:
    with pytest.raises(Invalid, match="drop messages"):
        parse({**GOOD, "limits": {"cooldownMinutes": 2}})

    assert parse({**GOOD, **TIMED, "limits": {"cooldownMinutes": 2}}).limits.cooldown_minutes == 2


@pytest.mark.parametrize("document", book.first_set(), ids=lambda document: document["key"])
def test_the_first_set_is_valid_and_reads_back_as_it_was_written(document: dict[str, Any]) -> None:
    rule = parse(document)

    assert parse(dump(rule)) == rule
    assert plain.describe(rule, "en").endswith(".")
    assert any("\u0600" <= letter <= "\u06ff" for letter in plain.describe(rule, "ar"))


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["key", "name", "trigger", "when", "do", "limits", "x"]), json))
def test_no_document_does_worse_than_being_refused(document: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        parse(document)


@given(
    json,
    st.sampled_from(["fact", "all", "any", "not"]),
    st.sampled_from(["is", "in", "over", "between", "containsAny", "present"]),
)
def test_no_condition_does_worse_than_being_refused(value: Any, part: str, operator: str) -> None:
    for condition in ({part: value}, {"fact": "lead.score", operator: value}, {"fact": "lead.stage", operator: value}):
        try:
            rule = parse({**GOOD, "when": condition})
        except Invalid:
            continue
        assert parse(dump(rule)) == rule


@pytest.mark.parametrize(
    ("given", "trigger"),
    [
        ({"type": "expiry_reminder", "daysBeforeExpiry": 90}, {"kind": "date.approaching", "days": 90, "catchUpDays": 1}),
        ({"type": "followup_due", "followupAfterDays": 2}, {"kind": "followup.due", "silentDays": 2}),
        ({"type": "instant_reply"}, {"kind": "message.received"}),
        ({"type": "no_reply_followup"}, {"kind": "customer.silent", "hours": 24}),
        ({"type": "overdue"}, {"kind": "date.approaching", "days": -1}),
    ],
)
def test_older_shapes_become_rules(given: dict[str, Any], trigger: dict[str, Any]) -> None:
    rule = parse(from_legacy({"name": "Old", "channel": "WHATSAPP", **given}))

    assert dump(rule)["trigger"] == trigger
    assert dump(rule)["when"] == {"all": [{"fact": "channel", "is": "whatsapp"}]}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"type": "expiry_reminder"}, "daysBeforeExpiry"),
        ({"type": "followup_due", "followupAfterDays": 0}, "followupAfterDays"),
        ({"type": "followup_due", "followupAfterDays": True}, "followupAfterDays"),
        ({"type": "wish"}, "type"),
        ({}, "type"),
        ({"type": "overdue", "channel": 3}, "channel"),
        ({"type": "overdue", "colour": 3}, "colour"),
    ],
)
def test_an_older_shape_without_its_number_is_refused(given: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        from_legacy({"name": "Old", **given})

    assert field in refused.value.fields


@pytest.mark.parametrize("name", sorted(actions.all()))
def test_every_action_has_plain_words_a_form_and_a_place(name: str) -> None:
    action = actions.get(name)

    assert action.label["en"]
    assert any("\u0600" <= letter <= "\u06ff" for letter in action.label["ar"])
    assert action.params.model_json_schema()["type"] == "object"
    assert action.run.__doc__
    assert not action.guarded or action.speaks
