"""The evaluation counts rightly."""

import json
from pathlib import Path

import pytest

from leadkeeper.ai import evaluation
from leadkeeper.ai.evaluation import ask, measure
from leadkeeper.ai.evaluation_sets import SETS


def small(folder: Path) -> None:
    """One business with two entries, asked one answerable and one unanswerable question."""
    faq = [
        {"id": 0, "question": "Do you deliver?", "answer": "Yes."},
        {"id": 1, "question": "Do you take cards?", "answer": "No."},
    ]
    (folder / "faq_businesses.json").write_text(json.dumps([{"id": "b", "name": "B", "faq": faq}]))
    rows = [
        {"n": n, "business": "b", "turns": [{"by": "customer", "text": text}], "answers": answers}
        for n, (text, answers) in enumerate([("do you deliver", [0]), ("is the moon made of cheese", [])])
    ]
    (folder / "faq_questions_dev.jsonl").write_text("\n".join(map(json.dumps, rows)))


def test_figures_count_what_was_answered_rightly_and_falsely(tmp_path: Path) -> None:
    small(tmp_path)
    trial = SETS["businesses (DSTC11)"](tmp_path)
    assert trial is not None

    line = measure("b", ask(trial), 0.45, 0.15)
    eager = measure("b", ask(trial), 0.0, 0.0)

    assert (line.answerable, line.others, line.hits, line.answered, line.precise, line.false) == (1, 1, (1, 1, 1), 1, 1, 0)
    assert eager.answered == 1


def test_the_command_writes_a_table_of_the_sets_it_finds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small(tmp_path)

    evaluation.main(["--data", str(tmp_path), "--half", "all", "--fit", "0.9", "0.1"])

    printed = capsys.readouterr().out
    assert "| businesses (DSTC11) | 1 (1) | 100.0 / 100.0 / 100.0 | 100.0 | 100.0 | 0.0 |" in printed
    assert "CLINC150" not in printed
    assert "answered 100.0 at score" in printed
