"""Make a task for a person; one per occasion, however often the rule is looked at."""

import re
from datetime import timedelta
from typing import Literal

from pydantic import Field, field_validator
from sqlalchemy import Connection

from leadkeeper.crm import tasks
from leadkeeper.rules import placeholders
from leadkeeper.rules.actions.base import ActionParams, Context, Effect, action, values
from leadkeeper.rules.facts import Facts
from leadkeeper.rules.labels import quoted

_NAME = re.compile(r"\{\s*name\s*\}")


class Params(ActionParams):
    """`title` with {placeholders}; `due_in_days` from now; it goes to the lead's owner when there is one."""

    title: str = Field(min_length=1, max_length=200)
    kind: Literal["no_answer", "renewal", "follow_up", "handover"] = "follow_up"
    due_in_days: int = Field(0, ge=0, le=365)

    @field_validator("title")
    @classmethod
    def _known_placeholders(cls, value: str) -> str:
        problem = placeholders.problem(value)
        if problem:
            raise ValueError(problem)
        return value


def _summary(params: Params, language: str) -> str:
    title = quoted(params.title, language)
    return f"أنشئ مهمة {title}" if language == "ar" else f"make a task {title}"


@action("create_task", en="make a task for a person", ar="أنشئ مهمة لموظف", params=Params, summary=_summary)
def create_task(conn: Connection, facts: Facts, params: Params, ctx: Context) -> Effect:
    """Make the task; an occasion that has one already is no error."""
    title = params.title
    if placeholders.fit_name(facts.name) is None:
        title = _NAME.sub(f"conversation {facts.conversation_id}", title)
    made = tasks.add(
        conn,
        params.kind,
        placeholders.render(title, values(facts), "en"),
        f"rule:{ctx.rule_id}:{ctx.episode}"[:200],
        reason=ctx.rule_key[:64] or None,
        lead_id=facts.lead_id,
        conversation_id=facts.conversation_id,
        owner_id=facts.lead_owner_id or facts.owner_id,
        due_at=facts.now + timedelta(days=params.due_in_days),
    )
    return Effect.done("task made") if made is not None else Effect.skipped("this occasion has its task already")
