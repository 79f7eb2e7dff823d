"""Send an approved template of the channel."""

from pydantic import Field
from sqlalchemy import Connection

from leadkeeper.rules.actions.base import ActionParams, Context, Effect, action
from leadkeeper.rules.actions.writing import template_of, write
from leadkeeper.rules.facts import Facts


class Params(ActionParams):
    """`template`: its name at the provider."""

    template: str = Field(min_length=1, max_length=200)


def _summary(params: Params, language: str) -> str:
    return f"أرسل القالب {params.template}" if language == "ar" else f"send the template {params.template}"


@action(
    "send_template",
    en="send an approved template",
    ar="أرسل قالبًا معتمدًا",
    params=Params,
    summary=_summary,
    speaks=True,
    guarded=True,
    settles=True,
)
def send_template(conn: Connection, facts: Facts, params: Params, ctx: Context) -> Effect:
    """Write the template message in the customer's language."""
    if not facts.reach.templates:
        return Effect.skipped("this channel has no templates")
    found = template_of(conn, facts, params.template)
    if found is None:
        return Effect.skipped(f"the template {params.template} is not approved")
    return write(conn, facts, ctx, found[1], found[0], as_template=True)
