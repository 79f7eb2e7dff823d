"""Answer from the training documents: asks the reply job for it; the AI finds and phrases, it does not decide."""

from sqlalchemy import Connection

from leadkeeper.rules.actions.base import ActionParams, Context, Effect, action
from leadkeeper.rules.facts import Facts


class Params(ActionParams):
    """Nothing to choose: what is said comes from the documents."""


@action(
    "answer",
    en="answer from the training documents",
    ar="أجب من مستندات التدريب",
    params=Params,
    speaks=True,
    guarded=True,
    settles=True,
    asks_only=True,
    triggers=("message.received",),
)
def answer(conn: Connection, facts: Facts, params: Params, ctx: Context) -> Effect:
    """Ask for one answer; the caller opens the reply in the same transaction."""
    return Effect.done("answer asked for", wants_answer=True)
