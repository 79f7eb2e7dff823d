"""A rule's own parts as a plain form: every parameter one may change, drawn from the models that check it.

A field is named by its place in the rule's document (`do[0].text.en`), which is also how a refusal
names it; so what is wrong is said beside the field.
"""

import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from leadkeeper.rules.actions.base import Text
from leadkeeper.rules.model import Rule
from leadkeeper.rules.triggers import TRIGGERS
from leadkeeper.web.filters import humanise
from leadkeeper.web.forms import Form

LABELS: Mapping[str, str] = {
    "hours": "Hours of silence",
    "days": "Days before the date",
    "silentDays": "Also after so many silent days",
    "kinds": "Kinds of expiry, with commas; none: every kind",
    "catchUpDays": "May still be done so many days late",
    "en": "Text in English",
    "ar": "Text in Arabic",
    "template": "Template when the window is closed",
    "reason": "Reason, one word",
    "title": "Title of the task",
    "kind": "Kind of task",
    "dueInDays": "Due in days",
    "userId": "User number; none: the lead’s owner",
    "stage": "Stage",
    "inDays": "Next follow-up in days; none: no more",
    "oncePer": "At most once per",
    "cooldownMinutes": "Minutes before it may be done again",
    "maxPerHour": "At most so often an hour",
    "maxPerRun": "At most so often a run",
    "window": "When it may act",
}
"""What a parameter is called; one without words is shown by its own name."""
CHOICES: Mapping[str, str] = {
    "episode": "occasion", "day": "day and customer", "contact": "customer", "ever": "ever, for all customers",
    "any": "at any hour", "business": "in business hours only", "no_answer": "No answer", "renewal": "Renewal",
    "follow_up": "Follow-up", "handover": "Hand-over",
}  # fmt: skip

_STEP = re.compile(r"(\w+)|\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Field:
    """One thing to fill in. `shape`: area, text, number, choice, list or tick."""

    path: str
    label: str
    shape: str
    value: str
    language: str = ""
    choices: Sequence[tuple[str, str]] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that belong together: the trigger's, one action's, the limits."""

    kind: str
    action: Mapping[str, str] | None
    fields: Sequence[Field]


def groups(rule: Rule) -> list[Group]:
    """Every field of a rule; parts that have nothing to choose are left out."""
    found = [Group("trigger", None, list(_fields(rule.trigger.params, "trigger")))]
    found += [Group("action", step.action.label, list(_fields(step.params, f"do[{at}]"))) for at, step in enumerate(rule.do)]
    if not (TRIGGERS[rule.trigger.kind].inbound and rule.settles):
        found.append(Group("limits", None, list(_fields(rule.limits, "limits"))))
    return [group for group in found if group.fields]


def merged(document: Mapping[str, Any], rule: Rule, form: Form) -> dict[str, Any]:
    """The document with what the form says; notes on the form which numbers are none."""
    changed = deepcopy(dict(document))
    if "name" in form.values:
        changed["name"] = form.text("name", longest=200)
    for group in groups(rule):
        for each in group.fields:
            if each.path in form.values or each.shape == "tick":
                _put(changed, each.path, _read(each, form))
    return changed


def _fields(params: BaseModel, place: str) -> Iterator[Field]:
    for name, spec in type(params).model_fields.items():
        key, value = to_camel(name), getattr(params, name)
        path = f"{place}.{key}"
        kinds = _kinds(spec.annotation)
        if Text in kinds:
            for language in ("en", "ar"):
                yield Field(
                    f"{path}.{language}", LABELS[language], "area", getattr(value, language) or "", language,
                    required=language == "en",
                )  # fmt: skip
            continue
        shape, choices = _shape(kinds, spec.annotation)
        yield Field(path, LABELS.get(key, humanise(key)), shape, _shown(value), choices=choices, required=spec.is_required())


def _kinds(annotation: Any) -> tuple[Any, ...]:
    """The types an annotation allows; `int | None` is (int, NoneType)."""
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        return typing.get_args(annotation)
    return (annotation,)


def _shape(kinds: Sequence[Any], annotation: Any) -> tuple[str, Sequence[tuple[str, str]]]:
    if typing.get_origin(annotation) is typing.Literal:
        return "choice", [(each, CHOICES.get(each, humanise(each))) for each in typing.get_args(annotation)]
    if bool in kinds:
        return "tick", ()
    if int in kinds:
        return "number", ()
    return ("list" if typing.get_origin(annotation) is tuple else "text"), ()


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "1" if value else ""
    return "" if value is None else str(value)


def _read(field: Field, form: Form) -> Any:
    if field.shape == "tick":
        return form.flag(field.path)
    if field.shape == "list":
        return [part.strip() for part in form.text(field.path, required=False).split(",") if part.strip()]
    if field.shape != "number":
        text = form.text(field.path, longest=2000, required=False).replace("\r\n", "\n")
        return text or None
    if not form.values[field.path].strip():
        return None
    return int(form.number(field.path, least=-(10**9), most=10**9))


def _put(document: dict[str, Any], path: str, value: Any) -> None:
    """Set what lies at `path`; None takes it away, so that its default holds again."""
    steps: list[str | int] = [name or int(at) for name, at in _STEP.findall(path)]
    inside: Any = document
    for step in steps[:-1]:
        inside = inside[step] if isinstance(step, int) else inside.setdefault(step, {})
    if value is None:
        inside.pop(steps[-1], None)
    else:
        inside[steps[-1]] = value
