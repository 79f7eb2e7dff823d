"""Send a text of the rule's own, or its template where the channel's window is closed."""

from pydantic import Field
from sqlalchemy import Connection

from leadkeeper.rules.actions.base import ActionParams, Context, Effect, Text, action
from leadkeeper.rules.actions.writing import template_of, write
from leadkeeper.rules.facts import Facts
from leadkeeper.rules.labels import quoted


class Params(ActionParams):
    """`text` with {placeholders}; `template`: the approved template used when the window is closed."""

    text: Text
    template: str | None = Field(None, min_length=1, max_length=200)


def _summary(params: Params, language: str) -> str:
    if language == "ar":
        return f"أرسل {quoted(params.text.ar or params.text.en, language)}"
    return f"send {quoted(params.text.en, language)}"


@action(
    "send_text",
    en="send a text",
    ar="أرسل رسالة نصية",
    params=Params,
    summary=_summary,
    speaks=True,
    guarded=True,
    settles=True,
)
def send_text(conn: Connection, facts: Facts, params: Params, ctx: Context) -> Effect:
    """Write the text; the guards have let it pass and are asked again when it is sent."""
    found = template_of(conn, facts, params.template) if params.template else None
    if facts.window_open:
        return write(conn, facts, ctx, params.text.render(facts), found[0] if found else None, as_template=False)
    if found is None:
        return Effect.skipped("the window is closed and the template is not approved")
    return write(conn, facts, ctx, found[1], found[0], as_template=True)
