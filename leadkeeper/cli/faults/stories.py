"""What customers write during a trial, what the provider does to the answer, and how it must end."""

from collections.abc import Sequence
from dataclasses import dataclass

from leadkeeper.simulator.behaviour import Step

ANSWERED, HANDED_OVER, SILENT = "answered", "handed_over", "silent"


@dataclass(frozen=True, slots=True)
class Story:
    """`texts` come in one webhook each; `most` messages may reach the customer.

    Acts of ours go on `meanwhile`, or follow `after`. `slots`: of the worker while it is told, as it is configured when 0.
    """

    name: str
    texts: Sequence[str]
    outcomes: Sequence[str]
    most: int = 1
    steps: Sequence[Step] = ()
    meanwhile: str = ""
    after: str = ""
    slots: int = 0


HOURS, PLACE = "What are your opening hours?", "Where is your office?"
FAQ = f"""question,answer
{HOURS},We are open Monday to Friday from 9:00 to 20:00.
{PLACE},Our office is on Palm Street 12.
"""
TRANSIENT = Step(mode="error", status=503, code=131016)
NEVER = Step(mode="error", status=400, code=131026, times=None)

STORIES = {
    story.name: story
    for story in (
        Story("question", [HOURS], [ANSWERED]),
        Story("burst", [HOURS, PLACE], [ANSWERED, HANDED_OVER], most=2),
        Story("unanswerable", ["Do you repair steam locomotives in Patagonia?"], [HANDED_OVER]),
        Story("opt_out", ["STOP"], [SILENT], most=0),
        Story("refused_once", [HOURS], [ANSWERED], steps=[TRANSIENT]),
        Story("refused_for_good", [HOURS], [HANDED_OVER], most=0, steps=[NEVER]),
        Story("silence_after_taking", [HOURS], [ANSWERED], steps=[Step(mode="close")]),
        Story("silence_without_taking", [HOURS], [ANSWERED], most=0, steps=[Step(mode="close", accept=False)]),
        Story("stopped_while_sending", [PLACE], [ANSWERED], steps=[Step(latency_ms=300)], meanwhile="stop"),
        Story("timer_due", [HOURS], [ANSWERED], after="timer"),
        Story("broken_job", [HOURS], [ANSWERED], most=2, after="break"),
        Story("person_writes", [HOURS], [ANSWERED], most=2, after="say"),
        Story("written_to_after_a_rest", [HOURS], [ANSWERED], most=2, after="rest"),
        Story("neighbour", [PLACE], [ANSWERED], most=2),
        Story("both_written_to", [HOURS], [ANSWERED], most=2, after="say_both", slots=2),
    )
}
