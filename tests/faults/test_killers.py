"""A job may end its whole process: that comes back by itself, and the job alone is failed for it."""

from leadkeeper.cli.faults import killers
from leadkeeper.cli.faults.trial import Trial
from leadkeeper.cli.measure.ground import Ground


def test_a_job_that_kills_its_process_is_failed_and_its_neighbours_are_done() -> None:
    trial = Trial("killers", "sqlite", 1)

    killers.run(trial, Ground(None), within=60)  # on a busy machine; the bound of the long form is 1 s

    assert trial.findings == []
    assert trial.counts["deaths"] == 3


def test_a_web_server_does_not_notice_when_a_worker_apart_is_killed_by_its_job() -> None:
    trial = Trial("killers", "sqlite", 1)

    killers.apart(trial, Ground(None), slowest_ms=10_000)  # on a busy machine; the bound of the long form is 100 ms

    assert trial.findings == []
    assert trial.counts["deathsApart"] == 3
