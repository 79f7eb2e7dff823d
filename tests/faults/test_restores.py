"""A restore may be killed anywhere: what was there before is whole, or the same restore, run again, completes it."""

from pathlib import Path

from tests.faults.commands import engine_of, faults


def test_wherever_a_restore_is_killed_it_can_be_completed_and_nothing_is_deleted(database_url: str, tmp_path: Path) -> None:
    db, where = engine_of(database_url)

    summary = faults(tmp_path, "restores", "--db", db, "--every", "2", **where)

    assert summary["labels"] >= 9
    assert summary["done"] == summary["wanted"] >= 9
