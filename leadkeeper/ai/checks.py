"""Whether a text a model wrote may go to a customer. Pure; every check fails closed.

They do not prove a text right. They bound what a model that is wrong, or was talked into something,
can say: nothing without a source, no value its sources do not hold, no promise, no secret, no markup.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from leadkeeper.ai import values
from leadkeeper.ai.language import detect
from leadkeeper.ai.prompt import Prompt
from leadkeeper.ai.written import Written
from leadkeeper.knowledge.concepts import concepts_of
from leadkeeper.knowledge.index import Found
from leadkeeper.knowledge.vocabulary import function_stems
from leadkeeper.knowledge.words import fold, stems, words

LONGEST = 900
"""Characters of a reply."""
LEAST_QUOTE = 3
"""Words of a quote: a single word proves nothing (unless the passage has no more)."""
OVERLAP = 0.4
"""Part of a reply's meaningful words that its passages or the question must hold, where they are of one language."""
ECHO = 10
"""Consecutive words of our own rules that are too many."""

_PROMISES = re.compile(
    r"\b(?:i|we|someone|somebody|our team|a colleague|an agent)(?:'ll| will| shall| can|'m going to| am going to|'re going to)"
    r" (?:\w+ )?(?:call|phone|ring|email|e-mail|contact|message|text|get back|reach out|follow up|check|confirm|arrange|refund|"
    r"approve|book|reserve|send|guarantee|make sure|ensure|let you know|notify)"
    r"|\b(?:guarantee[ds]?|i promise|we promise|you will definitely|100 ?% (?:sure|guaranteed|approved))\b"
)
_PROMISES_AR = re.compile(
    r"سنتصل|ساتصل|سوف (?:نتصل|اتصل|نتواصل|اتواصل|نرسل|ارسل|نقوم)|سنتواصل|ساتواصل|سنعاود|سنرسل|سارسل|سنوافيك|سنؤكد|سنوكد|"
    r"نضمن لك|اضمن لك|نعدك|اعدك|مضمون"
)
_IDENTITY = re.compile(
    r"\b(?:i am|i'm|this is) (?:not (?:an? )?(?:ai|bot|robot|machine|computer)|an? (?:real )?(?:human|person|man|woman)"
    r"|really human)"
    r"|\bas an? (?:ai|language model|human)\b|\bi(?:'m| am) (?:chatgpt|gpt|claude|gemini|llama)"
    r"|انا (?:انسان|بشر|شخص حقيقي|لست (?:روبوت|الي|اله|بوت))"
)
_MARKUP = re.compile(r"\]\(|!\[|```|\*\*|__|^\s{0,3}#{1,6}\s|<\s*/?\s*[a-z!]|\bjavascript:|\[(?:p\d+|[a-z_]+)\]", re.I | re.M)


def failures(written: Written, prompt: Prompt, asked: str, language: str) -> list[str]:
    """What is wrong with a reply, in words an operator and the model understand; empty when it may go.

    `asked` is everything the customer wrote in the messages being answered.
    """
    cited = [prompt.labels[label] for label in written.citations if label in prompt.labels]
    return [
        *_form(written.text),
        *_secrets(written, prompt),
        *_sources(written, prompt.labels, cited),
        *(f"not in the cited passages: {value}" for value in values.unsupported(written.text, map(whole, cited), asked)),
        *_manners(written.text, cited),
        *_language(written.text, language),
        *_meaning(written.text, asked, cited, language),
    ]


def whole(found: Found) -> str:
    """All a passage says: its heading or question, and its text."""
    return "\n".join(part for part in (found.heading, found.question, found.text) if part)


def _form(text: str) -> Iterator[str]:
    if not text:
        yield "the text is empty"
    if len(text) > LONGEST:
        yield f"longer than {LONGEST} characters"
    if _MARKUP.search(text):
        yield "not plain text"
    if _is_json(text):
        yield "JSON in the text"


def _is_json(text: str) -> bool:
    """True when a customer would see braces: a whole object, or the pieces of one."""
    if re.search(r'["\']?\b(?:decision|citations|quotes|text)["\']?\s*:\s*["\'\[]', text):
        return True
    try:
        return isinstance(json.loads(text), dict | list)
    except ValueError:
        return False


def _secrets(written: Written, prompt: Prompt) -> Iterator[str]:
    said = fold(" ".join((written.text, *written.quotes)))
    bare = re.sub(r"[\W_]", "", said)
    if re.sub(r"[\W_]", "", fold(prompt.canary)).removeprefix("key") in bare:
        yield "our internal code in the text"
    rules = f" {' '.join(words(prompt.system))} "
    told = words(written.text)
    runs = (f" {' '.join(told[start : start + ECHO])} " for start in range(len(told) - ECHO + 1))
    if any(run in rules for run in runs):
        yield "our rules in the text"


def _sources(written: Written, labels: Mapping[str, Found], cited: Sequence[Found]) -> Iterator[str]:
    if not written.citations:
        yield "no passage is cited"
    if unknown := [label for label in written.citations if label not in labels]:
        yield f"cites what was not given: {', '.join(unknown)[:60]}"
    if not written.quotes:
        yield "nothing is quoted"
    held = [_spaced(whole(found)) for found in cited]
    for quote in written.quotes:
        said = _spaced(quote)
        enough = len(said.split()) >= LEAST_QUOTE or said in held
        if not said or not any(said in text for text in held):
            yield f"not a quote of a cited passage: {quote[:60]}"
        elif not enough and all(len(text.split()) > LEAST_QUOTE for text in held):
            yield f"the quote is too short to prove anything: {quote[:60]}"


def _manners(text: str, cited: Sequence[Found]) -> Iterator[str]:
    """A promise is the business's to make: only the cited passages' own words may hold one."""
    said, held = fold(text), fold(" ".join(map(whole, cited)))
    promises = [found[0] for pattern in (_PROMISES, _PROMISES_AR) for found in pattern.finditer(said)]
    if any(promise not in held for promise in promises):
        yield "promises something"
    if _IDENTITY.search(said):
        yield "speaks about what it is"


def _language(text: str, language: str) -> Iterator[str]:
    written = detect(text, language)
    if written != language:
        yield f"written in {written}, the customer writes {language}"


def _meaning(text: str, asked: str, cited: Sequence[Found], language: str) -> Iterator[str]:
    """Negations and fine points escape this; a text about something else does not."""
    same = [found for found in cited if found.language == language]
    if not same:
        return
    meant = set(stems(text)) - function_stems()
    held = set(stems(" ".join((asked, *map(whole, same)))))
    ideas = concepts_of(held)
    covered = sum(stem in held or bool(concepts_of([stem]) & ideas) for stem in meant)
    if covered < OVERLAP * len(meant):
        yield "says much that the cited passages do not"


def _spaced(text: str) -> str:
    return " ".join(words(text))
