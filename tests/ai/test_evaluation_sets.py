"""On public data sets the extractive answer keeps its word. Collected only where they are: see conftest.py."""

import pytest

from leadkeeper.ai.evaluation import ask, measure
from leadkeeper.ai.evaluation_sets import SETS, Trial, half_of
from leadkeeper.config import Settings
from tests.ai.conftest import DATA


@pytest.mark.parametrize(
    ("name", "least_hit_at_5", "least_precise", "least_answered", "most_false"),
    [
        ("businesses (DSTC11)", 0.90, 0.90, 0.08, 0.05),
        ("intents (CLINC150)", 0.92, 0.93, 0.45, 0.08),
        ("prose en (XQuAD)", 0.99, 0.88, 0.75, 1.0),
        ("prose ar (XQuAD)", 0.98, 0.84, 0.60, 1.0),
    ],
)
def test_on_the_reporting_half_the_thresholds_hold(
    name: str, least_hit_at_5: float, least_precise: float, least_answered: float, most_false: float
) -> None:
    settings, trial = Settings(), SETS[name](DATA)
    assert trial is not None
    kept = Trial(trial.indexes, [case for case in trial.cases if half_of(case.question.text) == "report"])

    line = measure(name, ask(kept), settings.answer_score, settings.answer_margin)

    assert line.hits[2] >= least_hit_at_5
    assert (line.precise or 0) >= least_precise
    assert line.answered >= least_answered
    assert (line.false or 0) <= most_false
    assert line.p95_ms < 1000
