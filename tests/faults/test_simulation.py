"""Worlds in which everything goes wrong end well, and the same number is always the same world."""

from pathlib import Path

from tests.faults.commands import faults


def test_worlds_in_which_clock_network_model_and_disk_go_wrong_end_well(tmp_path: Path) -> None:
    summary = faults(tmp_path, "simulation", "--seeds", "6", "--seed", "1")

    assert summary["done"] == 6
    assert summary["calls"] > 0


def test_a_seed_replays_the_same_world(tmp_path: Path) -> None:
    one, other = (faults(tmp_path, "simulation", "--seeds", "1", "--seed", "7", "--steps", "60")["mark"] for _ in range(2))

    assert one == other
