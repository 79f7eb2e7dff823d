"""Worlds in which everything goes wrong end well, and the same number is always the same world."""

import subprocess
import sys
from pathlib import Path

from tests.faults.commands import faults


def test_worlds_in_which_clock_network_model_and_disk_go_wrong_end_well(tmp_path: Path) -> None:
    summary = faults(tmp_path, "simulation", "--seeds", "6", "--seed", "1")

    assert summary["done"] == 6
    assert summary["calls"] > 0


def test_a_seed_replays_the_same_world(tmp_path: Path) -> None:
    one, other = (faults(tmp_path, "simulation", "--seeds", "1", "--seed", "7", "--steps", "60")["mark"] for _ in range(2))

    assert one == other


BROKEN = """
from pathlib import Path
from leadkeeper.cli.faults.virtual import InlineDatabase
from leadkeeper.cli.faults.world import World
from leadkeeper.config import Settings

def incomplete(self, take):
    raise AttributeError("this world is incomplete")

InlineDatabase._run_group = incomplete
here = Path.cwd()
World(here, f"sqlite:///{here}/world.db", 1, 5, Settings(data_dir=here)).run(lambda conn, world: [])
"""


def test_an_error_in_the_world_itself_is_told_and_not_waited_for(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", BROKEN], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 1
    assert "AttributeError: this world is incomplete" in done.stderr
