"""Scores of one kind of passage against a question: BM25 turned into a share of the question.

A score is between 0 and 1, so that a threshold means the same for a business with ten entries and
one with ten thousand (docs/decisions/0011).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from leadkeeper.knowledge.vocabulary import Ids, Vocabulary, Weights, weigh

Scores = NDArray[np.float32]

SATURATION = 1.2
"""BM25's k1: how soon more of the same word stops counting."""
LENGTH = 0.75
"""BM25's b: how much a long passage is held against it."""
LEAST_PASSAGES = 20
"""A word's rarity is judged as if there were at least so many passages: three entries prove little."""


class Postings:
    """Which passages hold which feature. Immutable after `__init__`; reading needs no lock."""

    def __init__(self, texts: Sequence[str], vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.size = len(texts)
        counted = [vocabulary.count(text) for text in texts]
        rows = np.repeat(np.arange(self.size, dtype=np.int32), [len(ids) for ids, _ in counted])
        ids = np.concatenate([ids for ids, _ in counted] + [np.empty(0, np.int32)])
        amounts = np.concatenate([weights for _, weights in counted] + [np.empty(0, np.float32)])
        order = np.argsort(ids, kind="stable")
        self._starts = np.searchsorted(ids[order], np.arange(len(vocabulary) + 1))
        self._rows, amounts = rows[order], amounts[order]
        held = np.diff(self._starts)
        total = max(self.size, LEAST_PASSAGES)
        self.rarity: Weights = np.log1p((total - held + 0.5) / (held + 0.5)).astype(np.float32)
        self.unseen = float(np.log1p((total + 0.5) / 0.5))
        self._weigh(ids[order], amounts)

    def worth(self, question: str) -> dict[str, float]:
        """The features of a question some passage holds, each with what finding it is worth."""
        weights = weigh(question, self.vocabulary.concept_weight).items()
        numbered = ((name, self.vocabulary.number(name), weight) for name, weight in weights)
        return {name: weight * float(self.rarity[number]) for name, number, weight in numbered if number is not None}

    def coverage(self, asked: tuple[Ids, Weights, float]) -> Scores:
        """How much of the question each passage holds, rare words weighing more; 1 is all of it."""
        ids, weights, unknown = asked
        wanted = weights * self.rarity[ids]
        scores = np.zeros(self.size, np.float32)
        for number, weight in zip(ids, wanted, strict=True):
            place = slice(self._starts[number], self._starts[number + 1])
            scores[self._rows[place]] += weight * self._held[place]
        return scores / max(float(wanted.sum()) + unknown * self.unseen, 1e-9)

    def likeness(self, asked: tuple[Ids, Weights, float]) -> Scores:
        """The cosine between the question and each text: both must say much the same, and little else."""
        ids, weights, unknown = asked
        wanted = weights * self.rarity[ids]
        scores = np.zeros(self.size, np.float32)
        for number, weight in zip(ids, wanted, strict=True):
            place = slice(self._starts[number], self._starts[number + 1])
            scores[self._rows[place]] += weight * self._vectors[place]
        length = float(np.sqrt((wanted**2).sum() + (unknown * self.unseen) ** 2))
        return scores / max(length, 1e-9)

    def _weigh(self, ids: Ids, amounts: Weights) -> None:
        lengths = np.bincount(self._rows, amounts, self.size)
        usual = lengths.mean() if self.size else 1.0
        damping = SATURATION * (1 - LENGTH + LENGTH * lengths / max(usual, 1e-9))
        share = (1 + SATURATION) * amounts / (amounts + damping[self._rows])
        self._held: Weights = np.minimum(share, 1).astype(np.float32)
        vectors = amounts * self.rarity[ids]
        norms = np.sqrt(np.bincount(self._rows, vectors**2, self.size))
        self._vectors: Weights = (vectors / np.maximum(norms, 1e-9)[self._rows]).astype(np.float32)
