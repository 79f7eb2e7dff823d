"""A job may end its whole process: that comes back by itself, and the job alone is failed for it."""

from leadkeeper.cli.faults import killers
from leadkeeper.cli.faults.trial import Trial
from leadkeeper.cli.measure.ground import Ground


def test_a_job_that_kills_its_process_is_failed_and_its_neighbours_are_done() -> None:
    trial = Trial("killers", "sqlite", 1)

    killers.run(trial, Ground(None), within=60)  # on a busy machine; the bound of the long form is 1 s

    assert trial.findings == []
    assert trial.counts["deaths"] == 3
