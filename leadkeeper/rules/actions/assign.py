"""Give the conversation to a user: the AI is silent there, the user is told by the inbox."""

from pydantic import Field
from sqlalchemy import Connection, select

from leadkeeper.crm import conversations
from leadkeeper.rules.actions.base import ActionParams, Context, Effect, action
from leadkeeper.rules.facts import Facts
from leadkeeper.store.schema import users


class Params(ActionParams):
    """`user_id`; null: the lead's owner."""

    user_id: int | None = Field(None, ge=1)


def _summary(params: Params, language: str) -> str:
    if params.user_id is None:
        return "أسند المحادثة إلى المسؤول عن العميل" if language == "ar" else "assign to the lead's owner"
    return f"أسند المحادثة إلى المستخدم {params.user_id}" if language == "ar" else f"assign to user {params.user_id}"


@action("assign", en="assign to a user", ar="أسند المحادثة إلى مستخدم", params=Params, summary=_summary, settles=True)
def assign(conn: Connection, facts: Facts, params: Params, ctx: Context) -> Effect:
    """Assign, unless somebody has the conversation or the user is gone; then it is handed over to whoever is there."""
    if facts.owner == "user":
        return Effect.skipped("a person owns the conversation already")
    user_id = params.user_id or facts.lead_owner_id
    known = (
        user_id is not None
        and conn.execute(select(users.c.id).where(users.c.id == user_id, users.c.disabled_at.is_(None))).first()
    )
    if user_id is None or not known:
        return Effect.done("nobody to assign to: handed over", hand_over="assign")
    conversations.assign(conn, facts.conversation_id, user_id)
    return Effect.done(f"assigned to user {user_id}", silent="person")
