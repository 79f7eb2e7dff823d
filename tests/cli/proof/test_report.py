"""The acceptance report: what a claim needs to hold, what is written, and what is never written."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from leadkeeper.cli.proof import report, shown
from leadkeeper.cli.proof.claim import Claim, at_least, at_most, between, saying, within
from leadkeeper.cli.proof.run import Proof

CONDITIONS = {"db": "sqlite", "load": 0.5, "seconds": 40.0}


def proof(*claims: Claim) -> Proof:
    changed = {
        "LEADKEEPER_ADMIN_PASSWORD": "very secret",
        "LEADKEEPER_DATABASE_URL": "postgresql://me:hidden@127.0.0.1/scratch",
        "provider: latencyMs": "250, then 0",
    }
    return Proof(claims, {"memory_mb": 150.0}, changed)


def holding() -> Claim:
    claim = Claim(1, "Everything is fine")
    claim.check("jobs lost", 0, 0, "jobs 1 to 8")
    return claim


def failing() -> Claim:
    claim = Claim(2, "One thing | is not")
    claim.check("jobs lost", 0, 0)
    claim.check("jobs doubled", [], [7], "job 7")
    return claim


def test_a_claim_without_a_check_does_not_hold() -> None:
    assert not Claim(1, "Nothing was looked at").holds


def test_a_claim_holds_when_every_check_does() -> None:
    assert holding().holds
    assert not failing().holds
    assert not proof(holding(), failing()).holds


@pytest.mark.parametrize(
    ("expected", "good", "bad"),
    [
        (at_most(1), 1.0, 1.01),
        (at_least(200), 200, 199),
        (between(0, 150), 30, 150),
        (within([2.0, 3.0]), 2.0, 3.1),
        (within([2.0, 3.0]), 3.0, None),
        (within([]), None, 0.0),
        (saying("999"), "there is no lead 999", None),
        (200, 200, 401),
    ],
)
def test_an_expectation_tells_good_from_bad(expected: object, good: object, bad: object) -> None:
    claim = Claim(1, "One expectation")
    claim.check("good", expected, good)
    claim.check("bad", expected, bad)

    assert [check.holds for check in claim.checks] == [True, False]
    assert claim.checks[0].wanted


def test_report_is_written_for_people_and_machines_without_secrets(tmp_path: Path) -> None:
    told = report.as_json(proof(holding(), failing()), CONDITIONS)

    path = report.write(tmp_path / "prove", told, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))

    text, data = path.read_text(), json.loads(path.with_suffix(".json").read_text())
    assert path.name == "2026-01-02-030405.md"
    assert data["ok"] is False
    assert [claim["holds"] for claim in data["claims"]] == [True, False]
    assert data["claims"][1]["checks"][1] == {
        "text": "jobs doubled", "expected": "[]", "found": "[7]", "holds": False, "evidence": "job 7",
    }  # fmt: skip
    assert "DOES NOT HOLD" in text
    assert "latencyMs" in text
    assert not any(secret in text + json.dumps(data) for secret in ("very secret", "hidden"))


def test_terminal_shows_every_check_with_where_to_look_and_what_was_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / report.ROWS).touch()

    shown.show(report.as_json(proof(holding(), failing()), CONDITIONS), tmp_path / "now.md")

    said = capsys.readouterr().out
    for part in ("jobs doubled", "[7]", "jobs 1 to 8", "latencyMs", "memory_mb", "1 of 2 claims hold", "now.log", "last.db"):
        assert part in said
