"""Write to a contact again who asked for it."""

from sqlalchemy import Connection

from leadkeeper.crm import contacts, timeline
from leadkeeper.rules.actions.base import ActionParams, Context, Effect, action
from leadkeeper.rules.facts import Facts


class Params(ActionParams):
    """Nothing to choose."""


@action("opt_in", en="allow messages to them again", ar="اسمح بالرسائل إليهم مجددًا", params=Params, settles=True)
def opt_in(conn: Connection, facts: Facts, params: Params, ctx: Context) -> Effect:
    """Opt the contact in; the next message is answered as usual."""
    if not contacts.opt_in(conn, facts.contact_id, facts.occurred_at):
        return Effect.skipped("they opted out after writing this" if facts.opted_out else "they had not opted out")
    timeline.add(conn, "opt_in", conversation_id=facts.conversation_id, job_id=ctx.job_id, by="word")
    return Effect.done("opted in", silent="opted_in")
