"""The ask box: what a customer who asked this would get, from which passages, and by how much."""

from dataclasses import dataclass

from sqlalchemy import Connection
from starlette.requests import Request

from leadkeeper.ai.drafts import Cited, Draft
from leadkeeper.ai.language import detect
from leadkeeper.ai.question import Question
from leadkeeper.ai.respond import respond
from leadkeeper.crm import texts
from leadkeeper.knowledge import stored
from leadkeeper.knowledge.stored import Passage
from leadkeeper.rules import words
from leadkeeper.web.reasons import because

LANGUAGES = (("auto", "As it is written"), ("en", "English"), ("ar", "Arabic"))
CALLS = 2
"""Model calls one question may make, as for a customer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and what it comes to. `rule`: why rules would hand it over before any document is read."""

    draft: Draft
    why: str
    passages: list[tuple[Cited, Passage | None]]
    least_score: float
    least_margin: float
    told: str
    """What a customer is told when a person has to answer."""
    rule: str = ""
    phrase: str = ""

    @property
    def enough_margin(self) -> bool:
        """True when the best passage leads the next different answer far enough."""
        return self.draft.margin is not None and self.draft.margin >= self.least_margin


async def ask(request: Request, question: str, language: str) -> Asked:
    """Search, draft and check exactly as a reply does; nothing is stored, nothing is sent."""
    state = request.state
    spoken = detect(question, state.lang) if language == "auto" else language
    index = state.site.index
    await state.db.read(index.refresh)
    async with state.site.client() as http:
        draft = await respond(Question([question], spoken, calls_left=CALLS), index, state.settings, http)
    found, lists = await state.db.read(_read, [each.id for each in draft.passages], question)
    rule = next((name for name in words.CLASSES if name in lists), "")
    return Asked(
        draft,
        because(state.lang, draft.reason),
        [(each, found.get(each.id)) for each in draft.passages],
        state.settings.answer_score,
        state.settings.answer_margin,
        texts.say("handover", spoken),
        because(state.lang, rule or None),
        lists.get(rule, ""),
    )


def _read(conn: Connection, ids: list[int], question: str) -> tuple[dict[int, Passage], dict[str, str]]:
    return stored.some(conn, ids), words.current(conn).lists_in(question)
