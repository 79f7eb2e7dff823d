"""How well questions are answered without a model, on question sets given by path.

    python -m leadkeeper.ai.evaluation --data FOLDER [--half fit|report|all] [--score S --margin M]

Prints, for each set: hit@1, 3 and 5 (a right passage among the first), the part of the answerable
questions that is answered, how many of those answers are right, and how often a question that has no
answer gets one. Thresholds are fitted on the half called fit; figures are quoted from the other.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from leadkeeper import clock
from leadkeeper.ai.evaluation_sets import SETS, Case, Trial, half_of
from leadkeeper.ai.extractive import Pick, pick
from leadkeeper.ai.question import searches
from leadkeeper.ai.respond import LIMIT
from leadkeeper.config import Settings
from leadkeeper.knowledge.index import Found
from leadkeeper.knowledge.quotes import same_answer

GRID_SCORE = [step / 100 for step in range(20, 86, 3)]
GRID_MARGIN = [step / 100 for step in range(0, 41, 2)]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question put to the index: what each of its searches found, how long it took, what would be right."""

    case: Case
    results: Sequence[Sequence[Found]]
    took_ms: float

    def picked(self, score: float, margin: float) -> tuple[Pick, bool]:
        """What the thresholds let through, and whether it is right."""
        chosen = Pick(None, "no_passage")
        for found in self.results:
            chosen = pick(found, self.case.question.language, score, margin)
            if chosen.text is not None:
                return chosen, self._right(found)
        return chosen, False

    def rank(self) -> int:
        """The place of the first right passage in the first search, from 0; 99 when it is not among them."""
        return next((place for place, found in enumerate(self.results[0]) if found.passage_id in self.case.right), 99)

    def _right(self, found: Sequence[Found]) -> bool:
        best = found[0]
        told = any(best.passage_id == each or same_answer(best.answer, text) for each, text in self.case.right.items())
        return told and (self.case.said is None or self.case.said in best.answer)


@dataclass(frozen=True, slots=True)
class Line:
    """The figures of one set; shares between 0 and 1, `None` where there is nothing to share."""

    name: str
    answerable: int
    others: int
    hits: tuple[float, float, float]
    answered: float
    precise: float | None
    false: float | None
    p50_ms: float
    p95_ms: float


def ask(trial: Trial) -> list[Asked]:
    """Put every question of a set to its index."""
    done = []
    for case in trial.cases:
        index, started = trial.indexes[case.index], clock.monotonic()
        found = [index.search(text, case.question.language, LIMIT) for text in searches(case.question)]
        done.append(Asked(case, found, (clock.monotonic() - started) * 1000))
    return done


def measure(name: str, asked: Sequence[Asked], score: float, margin: float) -> Line:
    """The figures of one set at the given thresholds."""
    answerable = [each for each in asked if each.case.right]
    others = [each for each in asked if not each.case.right]
    ranks = [each.rank() for each in answerable]
    picks = [each.picked(score, margin) for each in answerable]
    told = [right for chosen, right in picks if chosen.text is not None]
    false = [each for each in others if each.picked(score, margin)[0].text is not None]
    times = sorted(each.took_ms for each in asked)
    count = max(1, len(answerable))
    first, third, fifth = (sum(rank < limit for rank in ranks) / count for limit in (1, 3, 5))
    return Line(
        name, len(answerable), len(others), (first, third, fifth), len(told) / count,
        sum(told) / len(told) if told else None, len(false) / len(others) if others else None,
        times[len(times) // 2], times[len(times) * 95 // 100],
    )  # fmt: skip


def fit(runs: dict[str, list[Asked]], least_precise: float, most_false: float) -> list[tuple[float, float, float]]:
    """The ten best (mean answered, score, margin) at which every set keeps both bounds."""
    kept = []
    for score in GRID_SCORE:
        for margin in GRID_MARGIN:
            lines = [measure(name, asked, score, margin) for name, asked in runs.items()]
            if all((line.precise or 0) >= least_precise and (line.false or 0) <= most_false for line in lines):
                kept.append((sum(line.answered for line in lines) / len(lines), score, margin))
    return sorted(kept, reverse=True)[:10]


def table(lines: Sequence[Line]) -> str:
    """The figures as a Markdown table, shares in percent."""
    head = "| set | questions (none) | hit@1 / 3 / 5 | answered | right of answered | false answers | p50 / p95 ms |"
    rows = [
        f"| {line.name} | {line.answerable} ({line.others}) | {' / '.join(map(_percent, line.hits))} | "
        f"{_percent(line.answered)} | {_percent(line.precise)} | {_percent(line.false)} | "
        f"{line.p50_ms:.1f} / {line.p95_ms:.1f} |"
        for line in lines
    ]
    return "\n".join([head, "|---" * 7 + "|", *rows])


def run(data: Path, half: str, write: Callable[[str], object], settings: Settings, fitting: tuple[float, float] | None) -> None:
    """Evaluate every set found in `data` and write the table; with `fitting`, also the best thresholds."""
    runs: dict[str, list[Asked]] = {}
    for name, load in SETS.items():
        trial = load(data)
        if trial is not None:
            kept = [case for case in trial.cases if half == "all" or half_of(case.question.text) == half]
            runs[name] = ask(Trial(trial.indexes, kept))
    score, margin = settings.answer_score, settings.answer_margin
    write(f"half: {half}, score >= {score:g}, margin >= {margin:g}\n\n")
    write(table([measure(name, asked, score, margin) for name, asked in runs.items()]) + "\n")
    if fitting is not None:
        for answered, best, lead in fit(runs, *fitting):
            write(f"answered {_percent(answered)} at score {best:g}, margin {lead:g}\n")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.1f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; thresholds come from the settings where none are given."""
    parser = argparse.ArgumentParser("leadkeeper.ai.evaluation", description="evaluate the extractive answer")
    parser.add_argument("--data", type=Path, required=True, help="folder of question sets")
    parser.add_argument("--half", choices=("fit", "report", "all"), default="report")
    parser.add_argument("--score", type=float)
    parser.add_argument("--margin", type=float)
    parser.add_argument("--fit", nargs=2, type=float, metavar=("PRECISE", "FALSE"), help="search thresholds in these bounds")
    given = parser.parse_args(arguments)
    changed = {"answer_score": given.score, "answer_margin": given.margin}
    settings = Settings().model_copy(update={name: value for name, value in changed.items() if value is not None})
    run(given.data, given.half, sys.stdout.write, settings, tuple(given.fit) if given.fit else None)


if __name__ == "__main__":
    main()
