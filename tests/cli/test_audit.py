"""`leadkeeper audit`: exit status, and the provider's log given as a file."""

import json
from pathlib import Path

import pytest

from leadkeeper import clock
from leadkeeper.crm import accounts
from leadkeeper.errors import Misconfigured
from tests.cli.conftest import Terminal

SINCE = clock.iso(clock.now())


def log_file(folder: Path, calls: dict[str, int]) -> str:
    path = folder / "calls.json"
    path.write_text(json.dumps({"100": {"since": SINCE, "calls": calls}}))
    return str(path)


def test_rows_alone_are_clean_at_the_start(terminal: Terminal) -> None:
    lines = terminal.lines("audit")

    assert lines[0].startswith("received 0 = stored 0 = decided 0")
    assert lines[-1] == "clean"


def test_a_call_nobody_intended_ends_with_one(terminal: Terminal, tmp_path: Path) -> None:
    terminal.db.write_now(lambda conn: accounts.ensure(conn, "whatsapp", "100", "Shop"))

    empty = terminal.run("audit", "--log", log_file(tmp_path, {}))
    strange = terminal.run("audit", "--log", log_file(tmp_path, {"7.1": 1}))

    assert (empty.exit_code, strange.exit_code) == (0, 1)
    assert "called without intent    1: messages 7" in strange.stdout
    assert json.loads(terminal.run("audit", "--json", "--log", log_file(tmp_path, {"7.1": 2})).stdout)["calls"] == 2


@pytest.mark.parametrize("log", ["nowhere.json", "http://127.0.0.1:9"])
def test_a_log_that_cannot_be_read_is_told(terminal: Terminal, log: str) -> None:
    with pytest.raises(Misconfigured, match="--log"):
        terminal.run("audit", "--log", log)
