"""The numbered features of an index: each word gives its stem, its 4-grams and its concepts.

A word that differs in its ending shares the stem, one that is misspelt most of its grams, one that
means the same the concept. Function words count little. Weights: docs/decisions/0011.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from leadkeeper.knowledge.concepts import concepts_of
from leadkeeper.knowledge.words import grams, stem, stems, words

Ids = NDArray[np.int32]
Weights = NDArray[np.float32]

FUNCTION_WEIGHT = 0.15
"""Weight of a function word, of 1 for any other."""
GRAM_WEIGHT = 2.0
"""All 4-grams of a word of n grams weigh GRAM_WEIGHT x the square root of n together."""


class Vocabulary:
    """Feature numbers. It grows while an index is built and only answers afterwards."""

    def __init__(self, concept_weight: float) -> None:
        self.concept_weight = concept_weight
        self._numbers: dict[str, int] = {}
        self._words: dict[str, tuple[Ids, Weights]] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def count(self, text: str) -> tuple[Ids, Weights]:
        """The features of a passage and how much of each it holds; unseen ones get a number."""
        found = words(text)
        concepts = concepts_of({stem(word) for word in found})
        parts = [self._of_word(word, times) for word, times in Counter(found).items()]
        own = [self._numbers.setdefault(each, len(self._numbers)) for each in sorted(concepts)]
        ids = np.concatenate([part[0] for part in parts] + [np.array(own, np.int32)])
        weights = np.concatenate([part[1] for part in parts] + [np.full(len(own), self.concept_weight, np.float32)])
        unique, places = np.unique(ids, return_inverse=True)
        return unique.astype(np.int32), np.bincount(places, weights, len(unique)).astype(np.float32)

    def ask(self, text: str) -> tuple[Ids, Weights, float]:
        """The known features of a question with their weights, and the weight of its unknown ones."""
        known: dict[int, float] = {}
        unknown = 0.0
        for feature, weight in weigh(text, self.concept_weight).items():
            number = self._numbers.get(feature)
            if number is None:
                unknown += weight
            else:
                known[number] = weight
        return np.fromiter(known, np.int32, len(known)), np.fromiter(known.values(), np.float32, len(known)), unknown

    def number(self, feature: str) -> int | None:
        """The number of a feature; None when no passage holds it."""
        return self._numbers.get(feature)

    def _of_word(self, word: str, times: int) -> tuple[Ids, Weights]:
        if word not in self._words:
            features = features_of(word)
            ids = np.array([self._numbers.setdefault(name, len(self._numbers)) for name in features], np.int32)
            self._words[word] = ids, np.array(list(features.values()), np.float32)
        ids, weights = self._words[word]
        return ids, weights * times


def weigh(text: str, concept_weight: float) -> Mapping[str, float]:
    """Every feature of a text with its weight."""
    weights: Counter[str] = Counter()
    found = words(text)
    for word in found:
        weights.update(features_of(word))
    weights.update(dict.fromkeys(concepts_of({stem(word) for word in found}), concept_weight))
    return weights


@lru_cache(maxsize=50_000)
def features_of(word: str) -> Mapping[str, float]:
    """The features of one folded word."""
    root = stem(word)
    weight = FUNCTION_WEIGHT if root in function_stems() else 1.0
    pieces = Counter(grams(word))
    each = GRAM_WEIGHT * weight / float(pieces.total()) ** 0.5
    return {root: weight} | {piece: each * times for piece, times in pieces.items()}


@cache
def function_stems() -> frozenset[str]:
    """The stems of the words that say little, English and Arabic."""
    lines = resources.files("leadkeeper.knowledge").joinpath("function_words.txt").read_text("utf-8").splitlines()
    return frozenset(_stems_of(line for line in lines if not line.startswith("#")))


def _stems_of(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        yield from stems(line)
