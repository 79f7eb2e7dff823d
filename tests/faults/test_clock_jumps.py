"""The wall clock may jump by an hour either way: no lease is stolen for it, and no timer comes twice, early or never."""

from leadkeeper.cli.faults import clockjumps
from leadkeeper.cli.faults.trial import Trial
from leadkeeper.cli.measure.ground import Ground


def test_a_clock_that_jumps_steals_no_lease_and_loses_no_timer(ground: Ground) -> None:
    trial = Trial("clock", "test", 1)

    clockjumps.run(trial, ground, seed=2)

    assert trial.findings == []
    assert trial.counts["slots"] >= 1
