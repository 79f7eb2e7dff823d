"""Jobs may raise, hang or hold up the worker's thread: the others go on, each is told as what it is, webhooks are answered."""

from leadkeeper.cli.faults import poison
from leadkeeper.cli.faults.trial import Trial
from leadkeeper.cli.measure.ground import Ground


def test_jobs_that_raise_or_hang_hold_up_nobody_and_are_told(ground: Ground) -> None:
    trial = Trial("poison", "test", 400)

    lost = poison.throughput(trial, ground, 400, rounds=1)

    assert trial.findings == []
    assert set(lost) == {poison.RAISES, poison.RAISES_IN_STEP, poison.HANGS}


def test_a_job_that_blocks_the_workers_thread_keeps_its_lease_and_runs_once(ground: Ground) -> None:
    trial = Trial("poison", "test", 1)

    poison.block(trial, ground, seconds=poison.LEASE_SECONDS + 1)

    assert trial.findings == []
    assert trial.counts["acknowledged"] == 80
