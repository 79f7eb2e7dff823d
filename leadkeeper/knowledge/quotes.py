"""Which sentence or two of a passage answer a question, word for word; and when two answers are the same. Pure."""

import re
from collections.abc import Mapping
from functools import lru_cache

from leadkeeper.knowledge.sentences import Span, spans
from leadkeeper.knowledge.vocabulary import function_stems, weigh
from leadkeeper.knowledge.words import fold, stems, words

CONCEPTS = 1.0
"""Which features a sentence holds does not depend on their weight."""
LONGEST_QUOTE = 600
"""Characters of a quote; a message is read on a phone."""
ENOUGH = 0.1
"""A second sentence must add this part of what the best one holds of the question."""
SAME = 0.6
"""Two answers that share this part of their words are one answer, if numbers and negations agree."""
_LEANS = frozenset(words("it its they them their this these those he she his her هو هي هم هذا هذه ذلك وهو وهي"))
_NEGATIONS = frozenset(words("no not never none without cannot neither nor لا ليس ليست غير بدون لن لم ممنوع"))
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def best_sentences(text: str, wanted: Mapping[str, float]) -> str:
    """The one or two sentences of `text` that hold most of what is `wanted`, word for word, in their order.

    `wanted` gives each feature of the question its worth. The second is the one that adds most of what
    the first lacks, if it adds enough; a first that begins with "it", "they", "this" brings the one
    before it instead. Neighbours are one unbroken stretch, others stand on lines of their own.
    """
    cut = list(spans(text))
    held = [_held(text[start:end], wanted) for start, end in cut]
    if not cut:
        return text
    best = max(range(len(cut)), key=lambda place: (sum(held[place].values()), -place))
    other = best - 1 if best > 0 and _leans(text, cut[best]) else _complement(best, held)
    first, last = sorted((best, best if other is None else other))
    apart = f"{text[slice(*cut[first])]}\n{text[slice(*cut[last])]}"
    quote = text[cut[first][0] : cut[last][1]] if last - first <= 1 else apart
    return quote if len(quote) <= LONGEST_QUOTE else text[slice(*cut[best])]


def same_answer(left: str, right: str) -> bool:
    """True when two answers tell the customer the same thing, as far as words can show."""
    a, b = _gist(left), _gist(right)
    if a[1:] != b[1:]:
        return False
    return left in right or right in left or len(a[0] & b[0]) >= SAME * max(1, len(a[0] | b[0]))


def _held(sentence: str, wanted: Mapping[str, float]) -> dict[str, float]:
    found = _features(sentence)
    return {feature: weight for feature, weight in wanted.items() if feature in found}


@lru_cache(maxsize=16_384)
def _features(sentence: str) -> frozenset[str]:
    return frozenset(weigh(sentence, CONCEPTS))


def _leans(text: str, span: Span) -> bool:
    return any(word in _LEANS for word in words(text[span[0] : span[1]])[:1])


def _complement(best: int, held: list[dict[str, float]]) -> int | None:
    """The sentence that adds most to the best one; None when none adds ENOUGH of what that holds itself."""
    gains = {
        place: sum(weight for feature, weight in own.items() if feature not in held[best])
        for place, own in enumerate(held)
        if place != best
    }
    place = max(gains, key=lambda each: (gains[each], -abs(each - best)), default=None)
    own = sum(held[best].values())
    return place if place is not None and own > 0 and gains[place] >= ENOUGH * own else None


@lru_cache(maxsize=4096)
def _gist(text: str) -> tuple[frozenset[str], frozenset[str], bool]:
    """What an answer says: its content stems, its numbers, and whether it denies something."""
    numbers = frozenset(number.replace(",", "") for number in _NUMBER.findall(fold(text)))
    content = frozenset(each for each in stems(text) if not each.isdecimal()) - function_stems()
    return content - _NEGATIONS, numbers, not _NEGATIONS.isdisjoint(words(text))
