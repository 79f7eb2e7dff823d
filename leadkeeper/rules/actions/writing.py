"""Writing a rule's message: shared by the actions that send text or a template."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from leadkeeper.crm import composing, outbox, templates
from leadkeeper.rules import placeholders
from leadkeeper.rules.actions.base import Context, Effect, values
from leadkeeper.rules.facts import Facts
from leadkeeper.rules.placeholders import used
from leadkeeper.rules.triggers import TRIGGERS
from leadkeeper.store.prepared import Row


def template_of(conn: Connection, facts: Facts, name: str) -> tuple[dict[str, Any], str] | None:
    """An approved template ready to send, with its text as the customer will read it; None when there is none."""
    row = templates.approved(conn, facts.channel, name, facts.language)
    if row is None:
        return None
    language = row.language.replace("-", "_").split("_", 1)[0].lower()
    given = values(facts, language)
    parameters = [placeholders.render(f"{{{each}}}", given, language) for each in _in_order(row.body)]
    content = {"name": row.name, "language": row.language, "parameters": parameters}
    return content, placeholders.render(row.body, given, language)


def said_by(template: Row, parameters: Sequence[Any]) -> str:
    """The text of a template row with these parameters, as the customer will read it."""
    given = dict(zip(_in_order(template.body), map(str, parameters), strict=False))
    return placeholders.render(template.body, given, template.language.replace("-", "_").split("_", 1)[0].lower())


def write(
    conn: Connection, facts: Facts, ctx: Context, body: str, template: dict[str, Any] | None, *, as_template: bool
) -> Effect:
    """Write the message and its send job; a firing writes one message, whatever repeats it.

    `template` beside a text is what is sent should the provider say that the window is closed.
    """
    inbound = facts.trigger in TRIGGERS and TRIGGERS[facts.trigger].inbound
    draft = composing.Draft(
        conversation_id=facts.conversation_id,
        author="rule",
        purpose="reply" if inbound else "proactive",
        body=body,
        kind="template" if as_template else "text",
        template=template,
        cause=f"run:{ctx.rule_id}:{ctx.episode}"[:200],
        job_id=ctx.job_id,
        rule_run_id=ctx.run_row_id,
    )
    message_id = outbox.write(conn, draft)
    if message_id is None:
        return Effect.skipped("this occasion has its message already")
    return Effect.done("message queued", message_id=message_id)


def _in_order(body: str) -> list[str]:
    """Placeholders of a template in the order of the provider's parameters: as they stand in the text."""
    names = sorted(used(body), key=lambda name: body.index(name))
    return [name for name in names if name in placeholders.FALLBACKS]
