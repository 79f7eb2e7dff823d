"""`leadkeeper simulator`: the simulated provider in its own process."""

import json
import socket
from pathlib import Path

import httpx2
import pytest

from leadkeeper.errors import Misconfigured
from tests.cli.conftest import Terminal
from tests.cli.processes import Running


def test_it_prints_its_address_and_listens_there(tmp_path: Path) -> None:
    running = Running(tmp_path, "simulator", "--phone-number-id", "1001", "--token", "t", "--app-secret", "s")
    try:
        address = json.loads(running.wait_for('"address"').splitlines()[0])["address"]

        assert httpx2.get(f"{address}/", timeout=10).status_code < 500
    finally:
        running.end()


def test_a_number_without_its_secrets_is_refused(terminal: Terminal) -> None:
    with pytest.raises(Misconfigured, match="needs --token and --app-secret"):
        terminal.run("simulator", "--phone-number-id", "1001")


def test_a_port_that_is_taken_is_told(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(Misconfigured, match="Choose another --port"):
        terminal.run("simulator", "--port", str(taken.getsockname()[1]))
