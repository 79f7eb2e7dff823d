"""The whole server is killed under load: the next one takes up what is left."""

from pathlib import Path

from tests.faults.commands import faults


def test_a_server_killed_under_load_with_three_workers_loses_and_doubles_nothing(tmp_path: Path) -> None:
    summary = faults(tmp_path, "kills", "--kills", "2", "--seed", "3")

    assert summary["done"] == 2
