"""Stop writing to a contact: no confirmation is sent, and nothing automatic ever after."""

from sqlalchemy import Connection

from leadkeeper.crm import opting, timeline
from leadkeeper.rules.actions.base import ActionParams, Context, Effect, action
from leadkeeper.rules.facts import Facts


class Params(ActionParams):
    """Nothing to choose."""


@action("opt_out", en="stop all messages to them", ar="أوقف كل الرسائل إليهم", params=Params, settles=True)
def opt_out(conn: Connection, facts: Facts, params: Params, ctx: Context) -> Effect:
    """Opt the contact out, and take back what was about to be sent to them."""
    if opting.opt_out(conn, facts.contact_id, "word", facts.occurred_at):
        timeline.add(conn, "opt_out", conversation_id=facts.conversation_id, job_id=ctx.job_id, by="word")
    return Effect.done("opted out", silent="opted_out")
