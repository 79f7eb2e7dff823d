"""A rule as data: when it is tried, what must be true, what it does, how often at most.

    {"key": "followup_due", "name": "Follow-up due",
     "trigger": {"kind": "followup.due"},
     "when": {"all": [{"fact": "lead.stage", "notIn": ["lost"]}]},
     "do": [{"action": "send_text", "text": {"en": "Hello {name}, ..."}}],
     "limits": {"oncePer": "episode", "maxPerHour": 60}}

`parse` refuses what it does not know, naming the field; nothing unknown is ever skipped over.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from leadkeeper.errors import Invalid, NotFound
from leadkeeper.rules import conditions
from leadkeeper.rules.actions.base import Action, ActionParams, actions
from leadkeeper.rules.conditions import Condition
from leadkeeper.rules.triggers import TRIGGERS, TriggerParams

KNOWN = ("key", "name", "trigger", "when", "do", "limits")
KEY = re.compile(r"[a-z0-9][a-z0-9_]{0,63}")
MOST_ACTIONS = 10


class Limits(BaseModel):
    """How often at most. `once_per` names what makes two firings the same; counts are of firings."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True, strict=True)

    once_per: Literal["episode", "day", "contact", "ever"] = "episode"
    cooldown_minutes: int = Field(0, ge=0, le=60 * 24 * 365)
    max_per_hour: int | None = Field(None, ge=1, le=10_000)
    max_per_run: int = Field(500, ge=1, le=10_000)
    window: Literal["any", "business"] = "any"


@dataclass(frozen=True, slots=True)
class Trigger:
    """What sets the rule off, with its parameters."""

    kind: str
    params: TriggerParams


@dataclass(frozen=True, slots=True)
class Step:
    """One action with its parameters. `instead`: done only when the rule's message may not be sent."""

    action: Action
    params: ActionParams
    instead: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A checked rule. `id`, `version`, `position` and `enabled` are its row's."""

    key: str
    name: str
    trigger: Trigger
    when: Condition
    do: tuple[Step, ...]
    limits: Limits
    id: int = 0
    version: int = 1
    position: int = 0
    enabled: bool = True

    @property
    def speaks(self) -> bool:
        """True when the customer sees something of it."""
        return any(step.action.speaks for step in self.do)

    @property
    def guarded(self) -> bool:
        """True when it writes something the guards may stop."""
        return any(step.action.guarded for step in self.do)

    @property
    def joins_answer(self) -> bool:
        """True when it only adds to an answer that another rule asked for."""
        return all(step.action.joins_answer for step in self.do)

    @property
    def settles(self) -> bool:
        """True when it decides the outcome of an inbound message."""
        return any(step.action.settles for step in self.do)


def parse(document: Mapping[str, Any]) -> Rule:
    """The rule a JSON document describes. Raises Invalid; its `fields` name every field that is wrong."""
    if not isinstance(document, Mapping):
        raise Invalid("the rule was not saved: it must be an object", {"rule": "must be an object"})
    problems: dict[str, str] = {str(name): "unknown" for name in document if name not in KNOWN}
    key, name = document.get("key"), document.get("name")
    if not isinstance(key, str) or not KEY.fullmatch(key):
        problems["key"] = "must be 1 to 64 of a-z, 0-9 and _"
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= 200:
        problems["name"] = "must be 1 to 200 characters"
    trigger = _collect(problems, _trigger, document.get("trigger"))
    when = _collect(problems, conditions.parse, document.get("when", {"all": []}))
    do = _collect(problems, _steps, document.get("do"))
    limits = _collect(problems, _limits, document.get("limits", {}))
    if trigger and do:
        problems |= _misfits(trigger, do, limits)
    if problems or trigger is None or when is None or do is None or limits is None:
        raise Invalid("the rule was not saved: " + "; ".join(f"{at}: {what}" for at, what in problems.items()), problems)
    return Rule(str(key), str(name).strip(), trigger, when, do, limits)


def dump(rule: Rule) -> dict[str, Any]:
    """The JSON document of a rule; `parse` reads it back."""
    return {
        "key": rule.key,
        "name": rule.name,
        "trigger": {"kind": rule.trigger.kind, **_json(rule.trigger.params)},
        "when": conditions.dump(rule.when),
        "do": [
            {"action": step.action.name, **_json(step.params), **({"instead": True} if step.instead else {})} for step in rule.do
        ],
        "limits": _json(rule.limits),
    }


def _json(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def _collect(problems: dict[str, str], read: Any, given: Any) -> Any:
    try:
        return read(given)
    except Invalid as error:
        problems.update(error.fields)
        return None


def _trigger(given: Any) -> Trigger:
    if not isinstance(given, Mapping) or not isinstance(given.get("kind"), str):
        raise Invalid("trigger", {"trigger": "must be an object with a kind"})
    kind = TRIGGERS.get(given["kind"])
    if kind is None:
        raise Invalid("trigger", {"trigger.kind": f"unknown trigger {given['kind']!r} (known: {', '.join(TRIGGERS)})"})
    return Trigger(kind.name, _model(kind.params, {name: value for name, value in given.items() if name != "kind"}, "trigger"))


def _steps(given: Any) -> tuple[Step, ...]:
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_ACTIONS:
        raise Invalid("do", {"do": f"must be a list of 1 to {MOST_ACTIONS} actions"})
    return tuple(_step(each, f"do[{at}]") for at, each in enumerate(given))


def _step(given: Any, field: str) -> Step:
    if not isinstance(given, Mapping) or not isinstance(given.get("action"), str):
        raise Invalid(field, {field: "must be an object with an action"})
    instead = given.get("instead", False)
    if not isinstance(instead, bool):
        raise Invalid(field, {f"{field}.instead": "must be true or false"})
    try:
        found = actions.get(given["action"])
    except NotFound as error:
        raise Invalid(field, {f"{field}.action": error.message}) from error
    params = {name: value for name, value in given.items() if name not in ("action", "instead")}
    return Step(found, _model(found.params, params, field), instead)


def _limits(given: Any) -> Limits:
    if not isinstance(given, Mapping):
        raise Invalid("limits", {"limits": "must be an object"})
    limits: Limits = _model(Limits, given, "limits")
    return limits


def _model(model: Any, given: Mapping[str, Any], field: str) -> Any:
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        raise Invalid(field, {_place(field, item["loc"]): _plain(item["msg"]) for item in error.errors()}) from error


def _place(field: str, location: tuple[int | str, ...]) -> str:
    return "".join([field, *(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)])


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ").replace("Extra inputs are not permitted", "unknown")


def _misfits(trigger: Trigger, do: tuple[Step, ...], limits: Limits | None) -> dict[str, str]:
    """What is wrong with parts that are right by themselves."""
    found: dict[str, str] = {}
    for at, step in enumerate(do):
        if step.action.triggers and trigger.kind not in step.action.triggers:
            found[f"do[{at}].action"] = f"{step.action.name} cannot follow {trigger.kind}"
        if step.instead and (step.action.speaks or not any(other.action.speaks for other in do)):
            found[f"do[{at}].instead"] = "stands in for a message of the same rule, and cannot be one"
    if sum(step.action.speaks for step in do) > 1:
        found["do"] = "at most one action may write to the customer"
    settles = TRIGGERS[trigger.kind].inbound and any(step.action.settles for step in do)
    if limits and settles and (limits.cooldown_minutes or limits.max_per_hour or limits.once_per != "episode"):
        found["limits"] = "a rule that decides what becomes of a message cannot be limited: it would drop messages"
    if limits and settles and limits.window != "any":
        found["limits.window"] = "use the condition time.business_hours in a rule that decides what becomes of a message"
    return found
