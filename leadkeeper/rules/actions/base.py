"""What a rule can do: actions found by folder, each with a Params model that also draws its form.

An action writes through `crm` in the transaction it is given and says what came of it as a value.
What needs other job types (drafting an answer, telling the customer about a hand-over) is asked for
in the Effect; the job that runs the rules does it in the same transaction.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, field_validator
from pydantic.alias_generators import to_camel
from sqlalchemy import Connection

from leadkeeper.registry import Registry
from leadkeeper.rules import labels, placeholders
from leadkeeper.rules.facts import Facts

LANGUAGES = ("en", "ar")
LONGEST_TEXT = 1000


class ActionParams(BaseModel):
    """Base of every action's parameters: camelCase in JSON, nothing unknown, frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True, strict=True)


class Text(BaseModel):
    """A text in each language we write; English stands in where another is missing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    en: str
    ar: str | None = None

    @field_validator("en", "ar")
    @classmethod
    def _sendable(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if not value.strip() or len(value) > LONGEST_TEXT:
            raise ValueError(f"must be 1 to {LONGEST_TEXT} characters")
        problem = placeholders.problem(value)
        if problem:
            raise ValueError(problem)
        return value

    def render(self, facts: Facts) -> str:
        """The text in the conversation's language, its placeholders filled from `facts`."""
        language = "ar" if facts.language == "ar" and self.ar else "en"
        return placeholders.render(self.ar or "" if language == "ar" else self.en, values(facts, language), language)


@dataclass(frozen=True, slots=True)
class Effect:
    """What came of one action. Exactly what is set is asked of the job that runs the rules."""

    status: str
    reason: str = ""
    wants_answer: bool = False
    first_line: str | None = None
    hand_over: str | None = None
    silent: str | None = None
    message_id: int | None = None

    @classmethod
    def done(cls, reason: str = "", **more: Any) -> "Effect":
        """The action was carried out (or asked for)."""
        return cls("done", reason, **more)

    @classmethod
    def skipped(cls, reason: str) -> "Effect":
        """The action had nothing to do; why."""
        return cls("skipped", reason)


@dataclass(frozen=True, slots=True)
class Context:
    """Where an action runs: the job, the rule and the run it belongs to, and what makes this firing one."""

    rule_id: int = 0
    rule_key: str = ""
    episode: str = ""
    run_row_id: int | None = None
    job_id: int | None = None
    user_id: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


class Run(Protocol):
    """The act itself."""

    def __call__(self, conn: Connection, facts: Facts, params: Any, ctx: Context) -> Effect:
        """Carry the action out; everything it writes goes through `conn`."""


@dataclass(frozen=True, slots=True)
class Action:
    """One registered action.

    `speaks`: the customer sees it, so at most one such rule per event fires; `guarded`: the guards
    are asked before it; `settles`: it decides the outcome of an inbound message; `joins_answer`: it
    only adds to an answer; `asks_only`: it writes nothing itself, all of it is in its Effect;
    `triggers`: where it may stand (empty: everywhere); `summary` says in plain words what it will do.
    """

    name: str
    label: Mapping[str, str]
    params: type[ActionParams]
    run: Run
    summary: Callable[[Any, str], str]
    speaks: bool = False
    guarded: bool = False
    settles: bool = False
    joins_answer: bool = False
    asks_only: bool = False
    triggers: tuple[str, ...] = ()


actions: Registry[Action] = Registry("action", "leadkeeper.rules.actions")

Fn = TypeVar("Fn", bound=Run)


def action(
    name: str,
    *,
    en: str,
    ar: str,
    params: type[ActionParams],
    summary: Callable[[Any, str], str] | None = None,
    speaks: bool = False,
    guarded: bool = False,
    settles: bool = False,
    joins_answer: bool = False,
    asks_only: bool = False,
    triggers: tuple[str, ...] = (),
) -> Callable[[Fn], Fn]:
    """Register the decorated function as the action `name`; `en` and `ar` are its plain words."""
    label = {"en": en, "ar": ar}

    def register(run: Fn) -> Fn:
        says = summary or (lambda _params, language: label[language])
        actions.add(name, Action(name, label, params, run, says, speaks, guarded, settles, joins_answer, asks_only, triggers))
        return run

    return register


def values(facts: Facts, language: str = "en") -> dict[str, str | None]:
    """What each placeholder stands for, from the facts, in a language."""
    days = facts.expiry_days
    return {
        "name": facts.name,
        "business": facts.business.name,
        "service": facts.service_text or _spoken(facts.service),
        "nationality": facts.nationality,
        "company": facts.company,
        "expiry_kind": labels.expiry(facts.expiry_kind, language),
        "expiry": facts.expires_on.strftime("%d/%m/%Y") if facts.expires_on else None,
        "expiry_days": None if days is None else str(abs(days)),
    }


def _spoken(code: str | None) -> str | None:
    return code.replace("_", " ") if code else None
