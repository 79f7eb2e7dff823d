"""The question sets an evaluation can read, each turned into indexes and questions with their right passages.

The files' shapes are those of the development data: businesses with entries and dialogues (DSTC11),
short requests by intent (CLINC150), prose with questions in two languages (XQuAD). A business's own
list of questions can be given in the first shape.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leadkeeper.ai.question import Question
from leadkeeper.knowledge.index import SearchIndex
from leadkeeper.knowledge.scripts import language_of
from leadkeeper.knowledge.stored import Passage


@dataclass(frozen=True, slots=True)
class Case:
    """A question, the index it is put to, and its right passages (id -> answer); `said` must be in the answer."""

    index: str
    question: Question
    right: Mapping[int, str]
    said: str | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """Indexes by name and the questions put to them."""

    indexes: Mapping[str, SearchIndex]
    cases: Sequence[Case]


def half_of(text: str) -> str:
    """`fit` or `report`, always the same for a text."""
    return ("fit", "report")[hashlib.sha256(text.encode()).digest()[0] % 2]


def businesses(folder: Path) -> Trial | None:
    """Each business its own index; the questions are the last turns of dialogues with it."""
    if not (folder / "faq_businesses.json").exists():
        return None
    known = {each["id"]: each for each in _json(folder / "faq_businesses.json")}
    indexes = {
        name: SearchIndex.of([_entry(row["id"], each["name"], row["question"], row["answer"]) for row in each["faq"]])
        for name, each in known.items()
    }
    cases = []
    for row in _lines(folder / "faq_questions_dev.jsonl"):
        answers = {each["id"]: each["answer"] for each in known[row["business"]]["faq"]}
        turns = [(turn["by"], turn["text"]) for turn in row["turns"]]
        right = {number: answers[number] for number in row["answers"]}
        cases.append(Case(row["business"], Question([turns[-1][1]], "en", turns), right))
    return Trial(indexes, cases)


def intents(folder: Path) -> Trial | None:
    """Half of each intent's requests are entries that share an answer; the other half and the strays are asked."""
    if not (folder / "intents_dev.jsonl").exists():
        return None
    rows = _lines(folder / "intents_dev.jsonl")
    names = {name: number for number, name in enumerate(sorted({row["intent"] for row in rows if row["intent"]}))}
    entries, asked = [], []
    for number, row in enumerate(rows):
        if row["intent"] and hashlib.sha256(f"entry {row['text']}".encode()).digest()[0] % 2:
            entries.append((number, row))
        else:
            asked.append(row)
    index = SearchIndex.of([_entry(number, "", row["text"], _nonsense(names[row["intent"]])) for number, row in entries])
    right: dict[str, dict[int, str]] = {}
    for number, row in entries:
        right.setdefault(row["intent"], {})[number] = _nonsense(names[row["intent"]])
    return Trial({"": index}, [Case("", Question([row["text"]], "en"), right.get(row["intent"], {})) for row in asked])


def prose(language: str) -> Callable[[Path], Trial | None]:
    """Passages of prose and questions on them; an answer is right when its sentences hold the expected words."""

    def load(folder: Path) -> Trial | None:
        path = folder / f"passages_{language}.json"
        if not path.exists():
            return None
        whole = _json(path)
        told = [Passage(n, n, "", "prose", None, None, text, language, "") for n, text in enumerate(whole["passages"])]
        cases = [
            Case("", Question([row["q"]], language), {row["passage"]: told[row["passage"]].text}, row["answer"].strip(" ."))
            for row in whole["questions"]
        ]
        return Trial({"": SearchIndex.of(told)}, cases)

    return load


SETS: Mapping[str, Callable[[Path], Trial | None]] = {
    "businesses (DSTC11)": businesses,
    "intents (CLINC150)": intents,
    "prose en (XQuAD)": prose("en"),
    "prose ar (XQuAD)": prose("ar"),
}


def _entry(number: int, title: str, question: str, answer: str) -> Passage:
    return Passage(number, 0, title, "qa", None, question, answer, language_of(answer) or "en", "")


def _nonsense(number: int) -> str:
    """An answer of its own for each intent that shares no word with any request: only the entries' questions count."""
    return f"zq{number:03d} {number}"


def _json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def _lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
