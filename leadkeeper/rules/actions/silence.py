"""Say nothing, on purpose: the message is closed as silent with a reason."""

from pydantic import Field
from sqlalchemy import Connection

from leadkeeper.rules.actions.base import ActionParams, Context, Effect, action
from leadkeeper.rules.facts import Facts


class Params(ActionParams):
    """`reason`: a short word shown as the reason of the decision."""

    reason: str = Field("rule", min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_]*$")


@action(
    "silence", en="say nothing", ar="لا ترسل شيئًا", params=Params, settles=True, asks_only=True, triggers=("message.received",)
)
def silence(conn: Connection, facts: Facts, params: Params, ctx: Context) -> Effect:
    """Close the message as silent."""
    return Effect.done(f"silent: {params.reason}", silent=params.reason)
