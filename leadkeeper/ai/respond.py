"""From a question to a draft: search, then the model where there is one, else the documents' own words.

A model's text goes out only when it passes every check; it gets one chance to mend it. When it
cannot, or the model is down, the extractive answer stands in if it passes its own gate. In every
other case a person answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import httpx2

from leadkeeper import clock
from leadkeeper.ai import checks, prompt, written
from leadkeeper.ai.courtesies import is_greeting, is_thanks
from leadkeeper.ai.drafts import Cited, Draft
from leadkeeper.ai.extractive import Pick, pick
from leadkeeper.ai.language import writes
from leadkeeper.ai.model import Adapted, Completion, Down, Endpoint, providers
from leadkeeper.ai.question import Question, searches
from leadkeeper.config import Settings
from leadkeeper.knowledge.index import Found, SearchIndex

__all__ = ["Draft", "Question", "respond"]

LIMIT = 6
"""Passages searched for, shown to the operator and given to a model."""
HELP = {"en": "How can we help you?", "ar": "كيف يمكننا مساعدتك؟"}
"""The answer to a bare greeting; the welcome, where it is due, is the line before it."""
PROVIDER = "openai_compatible"


@dataclass(slots=True)
class _Asking:
    """What asking a model has come to so far. `failed` holds what each of its texts failed."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    model: str | None = None
    text: str | None = None
    answer: written.Written | None = None
    failed: list[list[str]] = field(default_factory=list)
    down: str | None = None
    handed_over: bool = False


async def respond(question: Question, index: SearchIndex, settings: Settings, http: httpx2.AsyncClient) -> Draft:
    """Draft the answer to a question. Never raises for what documents, model or network do.

    Makes at most `question.calls_left` model calls, none when no model is configured.
    """
    started = clock.monotonic()
    if (fixed := _fixed(question)) is not None:
        return fixed
    found, chosen = _look_up(question, index, settings)
    draft = _extracted(question, found, chosen)
    if settings.ai_url and settings.ai_model and found and question.calls_left > 0:
        told = await _ask(question, found, settings, http)
        draft = _with_model(draft, told, found)
    return replace(draft, took_ms=round((clock.monotonic() - started) * 1000))


def _fixed(question: Question) -> Draft | None:
    """Greetings and thanks alone need no document."""
    if is_greeting(question.text):
        text = HELP[writes(question.language)]
        return Draft("answer", "greeting", question.text, question.language, text, responder="fixed")
    if is_thanks(question.text):
        return Draft("handover", "thanks", question.text, question.language, responder="fixed")
    return None


def _look_up(question: Question, index: SearchIndex, settings: Settings) -> tuple[list[Found], Pick]:
    """Search until something passes the gate; the last search stands when nothing does.

    What we have just said is no answer to the next question: who asks again wants something else.
    """
    told = [text for by, text in question.thread if by == "us"]
    found: list[Found] = []
    chosen = Pick(None, "no_passage")
    for text in searches(question):
        found = index.search(text, question.language, LIMIT)
        chosen = pick(found, question.language, settings.answer_score, settings.answer_margin)
        if chosen.text is not None and any(chosen.text in said for said in told):
            chosen = replace(chosen, text=None, reason="already_said")
        if chosen.text is not None:
            break
    return found, chosen


def _extracted(question: Question, found: Sequence[Found], chosen: Pick) -> Draft:
    cited = [_cited(each, each.passage_id == chosen.cited, each.answer) for each in found]
    outcome = "handover" if chosen.text is None else "answer"
    return Draft(outcome, chosen.reason, question.text, question.language, chosen.text, cited, chosen.margin, {"calls": 0})


async def _ask(question: Question, found: Sequence[Found], settings: Settings, http: httpx2.AsyncClient) -> _Asking:
    """Ask the model; once more to mend a failed text, or because the endpoint refused a parameter."""
    endpoint = Endpoint(settings.ai_url, settings.ai_key.get_secret_value(), settings.ai_model, settings.ai_seconds)
    provider, asking = providers.get(PROVIDER), _Asking(model=settings.ai_model)
    built = prompt.build(question, found)
    messages = built.messages
    while asking.calls < min(question.calls_left, 2):
        asking.calls += 1
        told = await provider.complete(http, endpoint, messages, written.SCHEMA)
        match told:
            case Adapted():
                asking.down = told.reason
            case Down():
                asking.down = told.reason
                return asking
            case Completion():
                wrong = _judge(told, built, question, asking)
                if not wrong:
                    return asking
                messages = prompt.repair(built, told.text, wrong)
    return asking


def _judge(told: Completion, built: prompt.Prompt, question: Question, asking: _Asking) -> list[str]:
    """Read and check one text; keeps it in `asking` when it may go. Returns what is wrong with it."""
    asking.tokens_in += told.tokens_in
    asking.tokens_out += told.tokens_out
    asking.model, asking.down = told.model, None
    read = written.read(told.text)
    if read is None:
        wrong = ["not the JSON object asked for"]
    elif read.decision == "handoff":
        asking.handed_over = True
        return []
    else:
        wrong = checks.failures(read, built, "\n".join(question.texts), question.language)
        if not wrong:
            asking.text, asking.answer = read.text, read
            return []
    asking.failed.append(wrong)
    return wrong


def _with_model(draft: Draft, told: _Asking, found: Sequence[Found]) -> Draft:
    """The draft after the model was asked: its text, its hand-over, or what the documents gave."""
    seen = {"calls": told.calls, "failed": told.failed, "down": told.down}
    spent = replace(draft, checks=seen, model=told.model, tokens_in=told.tokens_in, tokens_out=told.tokens_out)
    if told.handed_over:
        return replace(spent, outcome="handover", reason="model_handover", text=None, responder=PROVIDER)
    if told.text is None or told.answer is None:
        return spent
    labels = {f"P{number}" for number in range(1, len(found) + 1)} & set(told.answer.citations)
    quotes = told.answer.quotes
    passages = [
        _cited(each, f"P{number}" in labels, next((quote for quote in quotes if quote in each.text), None))
        for number, each in enumerate(found, start=1)
    ]
    return replace(spent, outcome="answer", reason="model", text=told.text, passages=passages, responder=PROVIDER)


def _cited(found: Found, cited: bool, quote: str | None) -> Cited:
    kept = quote if cited else None
    return Cited(found.passage_id, found.document_id, found.title, found.place, found.score, cited, kept)
