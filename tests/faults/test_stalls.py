"""A worker that was stopped past its lease, and goes on, has nothing more to say."""

from pathlib import Path

from tests.faults.commands import engine_of, faults


def test_what_a_stopped_worker_says_after_another_took_over_is_dropped_and_counted(database_url: str, tmp_path: Path) -> None:
    db, where = engine_of(database_url)

    summary = faults(tmp_path, "stalls", "--db", db, "--rounds", "8", **where)

    assert summary["done"] == 8
    assert summary["lateDropped"] > 0
