"""A provider may refuse, hang up, keep silent or talk nonsense: every send comes to its end, and none is repeated in doubt."""

from importlib import import_module

import pytest

from leadkeeper.channels.base import Refused
from leadkeeper.cli.faults import provider
from leadkeeper.cli.faults.trial import Trial
from leadkeeper.cli.measure.ground import Ground


def test_every_send_ends_and_none_is_repeated_in_doubt(ground: Ground) -> None:
    trial = Trial("provider", "test", 150)

    provider.run(trial, ground, seed=1, bad=0.3, faults=provider.QUICK)

    assert (trial.findings, trial.done) == ([], 150)
    assert trial.counts["needs_human"] > 0
    assert trial.counts["failed"] > 0


def test_a_sender_that_takes_silence_for_a_refusal_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("leadkeeper.channels.whatsapp.send"), "Unknown", Refused)
    trial = Trial("provider", "test", 50)

    provider.run(trial, Ground(None), seed=1, bad=0.5, faults=provider.QUICK)

    assert any("was sent again after" in finding for finding in trial.findings)
