"""What the tests of the doctor share."""

import json
import socket
from typing import Any

import pytest

from leadkeeper.cli.doctor.findings import Patient
from leadkeeper.config import Settings
from tests.cli.conftest import Terminal


def examined(terminal: Terminal) -> dict[str, dict[str, Any]]:
    """Every finding by what it is about."""
    done = terminal.run("doctor", "--json")
    return {finding["about"]: finding for finding in json.loads(done.stdout)["findings"]}


def patient(terminal: Terminal, **settings: Any) -> Patient:
    return Patient(Settings(data_dir=terminal.data, database_url=str(terminal.db.url), **settings), terminal.db)


@pytest.fixture(autouse=True)
def free_port(monkeypatch: pytest.MonkeyPatch) -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    monkeypatch.setenv("LEADKEEPER_PORT", str(port))
    return port
