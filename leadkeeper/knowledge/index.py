"""The search index: held in this process, built from the passages' rows, the same on both engines.

Stemmed BM25 with character 4-grams and concepts; measured better than FTS5 and PostgreSQL's ranking
(docs/decisions/0011). A question and answer entry is also compared as a question with a question.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection

from leadkeeper.knowledge import stored
from leadkeeper.knowledge.postings import Postings, Scores
from leadkeeper.knowledge.quotes import best_sentences
from leadkeeper.knowledge.stored import Passage
from leadkeeper.knowledge.vocabulary import Vocabulary
from leadkeeper.knowledge.words import fold

ENTRY_CONCEPTS, PROSE_CONCEPTS = 3.0, 1.0
"""Weight of a concept (a word weighs 1): in a short question it is the point, in prose an aside."""
LIKENESS = 0.5
"""Share of question-to-question likeness in an entry's score; the rest is coverage by question and answer."""
OTHER_LANGUAGE = 0.9
"""A passage in another language than the question's must be better by this to come first."""


@dataclass(frozen=True, slots=True)
class Found:
    """A passage a search found. `score` is between 0 and 1 and means the same for every business.

    `answer` is what may be told of it, word for word: an entry's answer, or the sentence or two of the
    prose that hold most of the question.
    """

    passage_id: int
    document_id: int
    title: str
    place: str
    kind: str
    heading: str | None
    question: str | None
    text: str
    language: str
    score: float
    answer: str


class SearchIndex:
    """The passages of the business, ready to be searched from any thread.

    `refresh(conn)` first, in a reader thread (`await db.read(index.refresh)`): it reads one row and
    builds only after a change. Searching never waits for a build: it uses the last one finished.
    """

    def __init__(self) -> None:
        self._building = threading.Lock()
        self._built: _Built | None = None

    @classmethod
    def of(cls, passages: Sequence[Passage]) -> "SearchIndex":
        """An index of passages that are in no database: for evaluation and trials."""
        index = cls()
        index._built = _Built(None, passages)
        return index

    def refresh(self, conn: Connection) -> bool:
        """Make the index that of the committed rows; True when this call built it.

        While another thread builds, the one built before serves: waiting here would take every reader
        from the console for as long as a build lasts. Only the first build of a process is waited for.
        """
        if self._is_current(stored.stamp(conn)) or not self._building.acquire(blocking=self._built is None):
            return False
        try:
            stamp = stored.stamp(conn)  # before the rows: a change between the two is seen next time
            if self._is_current(stamp):
                return False
            self._built = _Built(stamp, stored.everything(conn))
            return True
        finally:
            self._building.release()

    def search(self, text: str, language: str | None = None, limit: int = 6) -> list[Found]:
        """The best passages for a question, best first; word-for-word repeats of an answer are left out."""
        built = self._built
        return [] if built is None else built.search(text, language, limit)

    def __len__(self) -> int:
        return 0 if self._built is None else len(self._built.passages)

    def _is_current(self, stamp: str | None) -> bool:
        return self._built is not None and self._built.stamp == stamp


class _Built:
    """One finished build. Immutable, so threads share it without a lock."""

    def __init__(self, stamp: str | None, passages: Sequence[Passage]) -> None:
        self.stamp = stamp
        entries = [each for each in passages if each.kind == "qa"]
        prose = [each for each in passages if each.kind != "qa"]
        self.passages = entries + prose
        self.languages = np.array([each.language for each in self.passages], dtype=object)
        self.answers = [fold(each.text) for each in self.passages]
        of_entries, of_prose = Vocabulary(ENTRY_CONCEPTS), Vocabulary(PROSE_CONCEPTS)
        whole = [f"{each.question or ''}\n{each.text}" for each in entries]
        questions = [each.question or "" for each in entries]
        told = [f"{each.title}\n{each.heading or ''}\n{each.text}" for each in prose]
        self.entries = Postings(whole, of_entries)
        self.questions = Postings(questions, of_entries)
        self.prose = Postings(told, of_prose)

    def search(self, text: str, language: str | None, limit: int) -> list[Found]:
        scores = self._scores(text)
        if language is not None and len(scores):
            scores = np.where(self.languages == language, scores, scores * OTHER_LANGUAGE).astype(np.float32)
        found: list[Found] = []
        seen: set[str] = set()
        for place in np.argsort(-scores, kind="stable"):
            if len(found) == limit or scores[place] <= 0:
                break
            if self.answers[place] not in seen:
                seen.add(self.answers[place])
                found.append(self._found(self.passages[place], float(scores[place]), text))
        return found

    def _scores(self, text: str) -> Scores:
        asked = self.entries.vocabulary.ask(text)
        covered = self.entries.coverage(asked)
        alike = self.questions.likeness(asked)
        prose = self.prose.coverage(self.prose.vocabulary.ask(text))
        return np.concatenate([LIKENESS * alike + (1 - LIKENESS) * covered, prose]).astype(np.float32)

    def _found(self, passage: Passage, score: float, asked: str) -> Found:
        answer = passage.text if passage.kind == "qa" else best_sentences(passage.text, self.prose.worth(asked))
        return Found(
            passage.id, passage.document_id, passage.title, passage.place, passage.kind, passage.heading,
            passage.question, passage.text, passage.language, round(min(score, 1.0), 4), answer,
        )  # fmt: skip
