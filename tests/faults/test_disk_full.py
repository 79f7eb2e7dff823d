"""Somebody may fill the disk: webhooks are refused, what is in hand is finished, and with room the work goes on by itself."""

import pytest

from leadkeeper.cli.faults import diskfull
from leadkeeper.cli.faults.trial import Trial
from leadkeeper.cli.measure.cluster import find_binaries
from leadkeeper.errors import Misconfigured
from tests.conftest import skip


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_full_disk_loses_nothing_and_needs_nobody(engine: str) -> None:
    if engine == "postgres" and find_binaries() is None:
        skip("PostgreSQL is not installed (apt-get install postgresql)")
    try:
        with diskfull.small_disk(1):
            pass
    except Misconfigured as error:
        pytest.skip(error.message)  # also in a full run: whether one may mount is not for the tests to say
    trial = Trial("diskfull", engine, 1)

    diskfull.run(trial, engine, full_seconds=2)

    assert trial.findings == []
    assert trial.counts["refused"] > 0
