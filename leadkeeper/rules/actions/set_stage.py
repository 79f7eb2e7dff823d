"""Move the lead to another stage."""

from typing import Literal

from sqlalchemy import Connection

from leadkeeper.crm import leads
from leadkeeper.rules.actions.base import ActionParams, Context, Effect, action
from leadkeeper.rules.facts import Facts

Stage = Literal["new", "contacted", "engaged", "qualified", "proposal_sent", "in_progress", "completed_won", "lost", "on_hold"]


class Params(ActionParams):
    """`stage`: where it goes."""

    stage: Stage


def _summary(params: Params, language: str) -> str:
    name = params.stage.replace("_", " ")
    return f"انقل العميل إلى مرحلة {name}" if language == "ar" else f"move the lead to “{name}”"


@action("set_stage", en="move the lead to a stage", ar="انقل العميل إلى مرحلة", params=Params, summary=_summary)
def set_stage(conn: Connection, facts: Facts, params: Params, ctx: Context) -> Effect:
    """Set the stage; one that is there already stays."""
    moved = leads.set_stage(conn, facts.lead_id, params.stage)
    return Effect.done(f"stage {params.stage}") if moved else Effect.skipped(f"the stage is {params.stage} already")
