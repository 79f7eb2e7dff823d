"""PostgreSQL may go away and come back, or another server take its place: what was acknowledged is there, once."""

import pytest

from leadkeeper.cli.faults import dbrestart, failover
from leadkeeper.cli.faults.trial import Trial
from leadkeeper.cli.measure.cluster import find_binaries
from tests.conftest import skip


@pytest.fixture(autouse=True)
def _a_server() -> None:
    if find_binaries() is None:
        skip("PostgreSQL is not installed (apt-get install postgresql)")


def test_a_database_that_is_restarted_under_load_loses_and_doubles_nothing() -> None:
    trial = Trial("dbrestart", "postgres", 120)

    dbrestart.run(trial, seed=1, a_second=15, pauses=(0.5, 1.0))

    assert trial.findings == []
    assert trial.counts["restarts"] >= 1
    assert trial.holds


def test_a_promoted_standby_has_every_acknowledged_message_and_takes_the_next_ones() -> None:
    trial = Trial("failover", "postgres", 1)

    failover.run(trial, within=10, round_seconds=2)  # on a busy machine; the bound of the long form is 2 s

    assert trial.findings == []
    assert trial.counts["refused"] > 0
