"""The answer that needs no model: what the business wrote itself, word for word, or nothing. Pure.

The best entry's stored answer, or the best sentences of the best passage, when its score is high
enough and leads the next different answer far enough. It writes nothing, so it invents nothing; it
can only pick wrongly, and the two thresholds say how rarely (docs/decisions/0011).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from leadkeeper.knowledge.index import Found
from leadkeeper.knowledge.quotes import same_answer


@dataclass(frozen=True, slots=True)
class Pick:
    """What the documents alone come to. `text` is None when a person must answer; `reason` says why:
    no_passage, low_score, close_rivals, other_language; `documents` when there is an answer."""

    text: str | None
    reason: str
    margin: float | None = None
    cited: int | None = None


def pick(found: Sequence[Found], language: str, least_score: float, least_margin: float) -> Pick:
    """Choose the answer among `found` (best first), or say why there is none."""
    if not found:
        return Pick(None, "no_passage")
    best, margin = found[0], lead(found)
    if best.score < least_score:
        return Pick(None, "low_score", margin)
    if margin < least_margin:
        return Pick(None, "close_rivals", margin)
    if best.language != language:
        return Pick(None, "other_language", margin)
    return Pick(best.answer, "documents", margin, best.passage_id)


def lead(found: Sequence[Found]) -> float:
    """How far the best passage is ahead of the next that answers differently.

    Where every passage found says the same, the last one stands for the unknown next.
    """
    best = found[0]
    others = [each for each in found[1:] if not same_answer(best.answer, each.answer)]
    rival = others[0].score if others else found[-1].score if len(found) > 1 else 0.0
    return round(best.score - rival, 4)
