"""Greet in the first line of the first answer; never a message of its own."""

from sqlalchemy import Connection

from leadkeeper.rules.actions.base import ActionParams, Context, Effect, Text, action
from leadkeeper.rules.facts import Facts
from leadkeeper.rules.labels import quoted


class Params(ActionParams):
    """`text`: the line the first answer begins with."""

    text: Text


def _summary(params: Params, language: str) -> str:
    if language == "ar":
        return f"ابدأ الرد بـ {quoted(params.text.ar or params.text.en, language)}"
    return f"begin the answer with {quoted(params.text.en, language)}"


@action(
    "welcome",
    en="begin the first answer with a greeting",
    ar="ابدأ أول رد بالتحية",
    params=Params,
    summary=_summary,
    joins_answer=True,
    asks_only=True,
    triggers=("message.received",),
)
def welcome(conn: Connection, facts: Facts, params: Params, ctx: Context) -> Effect:
    """Give the line to the answer; the reply uses it only when nothing was said before it."""
    if facts.spoken:
        return Effect.skipped("we have written to them before")
    return Effect.done("greeting added", first_line=params.text.render(facts))
