"""Set when somebody should write to the lead next, or take the date away."""

from datetime import timedelta

from pydantic import Field
from sqlalchemy import Connection

from leadkeeper.crm import leads
from leadkeeper.rules.actions.base import ActionParams, Context, Effect, action
from leadkeeper.rules.facts import Facts


class Params(ActionParams):
    """`in_days` from now; null: no follow-up any more."""

    in_days: int | None = Field(None, ge=1, le=730)


def _summary(params: Params, language: str) -> str:
    if params.in_days is None:
        return "أزل موعد المتابعة" if language == "ar" else "clear the follow-up date"
    return f"المتابعة القادمة بعد {params.in_days} يوم" if language == "ar" else f"follow up again in {params.in_days} days"


@action("set_follow_up", en="set the next follow-up", ar="حدد موعد المتابعة القادمة", params=Params, summary=_summary)
def set_follow_up(conn: Connection, facts: Facts, params: Params, ctx: Context) -> Effect:
    """Write the date."""
    at = None if params.in_days is None else facts.now + timedelta(days=params.in_days)
    leads.set_follow_up(conn, facts.lead_id, at)
    return Effect.done("follow-up cleared" if at is None else f"follow-up on {at.date().isoformat()}")
