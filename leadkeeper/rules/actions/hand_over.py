"""Hand the conversation to a person: the AI is silent until a person gives it back."""

from pydantic import Field
from sqlalchemy import Connection

from leadkeeper.rules.actions.base import ActionParams, Context, Effect, action
from leadkeeper.rules.facts import Facts

REASONS = {
    "human": ("they asked for a person", "طلب التحدث مع موظف"),
    "anger": ("they are angry", "العميل غاضب"),
    "legal": ("they speak of the law", "ذكر أمورًا قانونية"),
    "refund": ("they want money back", "يطلب استرداد المال"),
    "payment": ("it is about a payment", "الأمر يتعلق بدفعة"),
    "complaint": ("they complain", "لديه شكوى"),
    "media": ("it is a file a person has to look at", "ملف يجب أن يطلع عليه موظف"),
}


class Params(ActionParams):
    """`reason`: a short word that is shown on the conversation, its decision and the task."""

    reason: str = Field("rule", min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_]*$")


def _summary(params: Params, language: str) -> str:
    en, ar = REASONS.get(params.reason, (params.reason.replace("_", " "), params.reason))
    return f"سلّم المحادثة إلى موظف ({ar})" if language == "ar" else f"hand over to a person ({en})"


@action(
    "hand_over",
    en="hand over to a person",
    ar="سلّم المحادثة إلى موظف",
    params=Params,
    summary=_summary,
    speaks=True,
    settles=True,
    asks_only=True,
)
def hand_over(conn: Connection, facts: Facts, params: Params, ctx: Context) -> Effect:
    """Ask for the hand-over: owner, task and the one notice are written by the caller in this transaction."""
    if facts.owner == "user":
        return Effect.skipped("a person owns the conversation already")
    return Effect.done(f"handed over: {params.reason}", hand_over=params.reason)
