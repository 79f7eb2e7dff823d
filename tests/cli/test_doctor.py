"""The doctor finds what is wrong, says why, and names the command that mends it."""

import http.server
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert
from typer.testing import CliRunner

from leadkeeper import clock
from leadkeeper.access import passwords, users
from leadkeeper.access.roles import Role
from leadkeeper.cli.doctor import machine
from leadkeeper.cli.doctor.findings import Finding, Patient
from leadkeeper.cli.main import app
from leadkeeper.config import Settings
from leadkeeper.crm import accounts, outages
from leadkeeper.queue import control
from leadkeeper.queue.control import WorkerRow
from leadkeeper.queue.enqueue import enqueue
from leadkeeper.queue.jobs import Job
from leadkeeper.secretbox import SecretBox
from leadkeeper.store.schema import documents
from tests.cli.conftest import Terminal
from tests.cli.examining import examined, free_port, patient

__all__ = ["free_port"]


def test_everything_named_is_looked_at(terminal: Terminal) -> None:
    found = examined(terminal)

    assert {
        "settings",
        "Python",
        "disk",
        "data folder",
        "port",
        "clock",
        "database",
        "database write",
        "secret.key",
    } <= found.keys()
    assert {"worker", "jobs", "documents", "users", "channels", "AI", "public address"} <= found.keys()
    assert ("database file" in found) == (terminal.db.dialect == "sqlite")
    assert all(finding["fix"] and finding["cause"] for finding in found.values() if finding["state"] != "fine")


def test_a_sound_installation_is_fine_and_exits_with_0(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.data.chmod(0o700)
    box = SecretBox.open(terminal.data)
    now = clock.now()
    terminal.db.write_now(control.beat, WorkerRow("w1", "here", 1, "0.1.0", "running", 0, 0, now, now))
    terminal.db.write_now(users.add, "sara@example.com", "Sara", Role.OWNER, passwords.hash_now("correct horse battery"))
    account = terminal.db.write_now(accounts.ensure, "whatsapp", "1001", "Front desk")
    secrets = {"token": "t", "app_secret": "s", "verify_token": "v"}
    terminal.db.write_now(accounts.save_credentials, box, account, secrets)
    monkeypatch.setenv("LEADKEEPER_PUBLIC_URL", "https://desk.example.com")

    done = terminal.run("doctor")

    assert done.exit_code == 0
    assert "✗" not in done.output
    assert "whatsapp Front desk: credentials set" in done.output
    assert "0 broken" in done.output


def test_a_misspelt_setting_is_the_only_finding(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADKEEPER_PROT", "1")

    done = terminal.run("doctor")

    assert done.exit_code == 1
    assert "did you mean LEADKEEPER_PORT?" in done.output
    assert "leadkeeper config" in done.output


def test_a_missing_database_is_found_and_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADKEEPER_DATA_DIR", str(tmp_path / "nothing"))

    done = CliRunner().invoke(app, ["doctor"])

    assert done.exit_code == 1
    assert "there is no database" in done.output
    assert "leadkeeper migrate" in done.output
    assert not (tmp_path / "nothing").exists()


def test_a_key_that_others_can_read_is_found_with_the_command_that_closes_it(terminal: Terminal) -> None:
    SecretBox.open(terminal.data)
    (terminal.data / "secret.key").chmod(0o644)

    found = examined(terminal)["secret.key"]

    assert found["state"] == "broken"
    assert found["fix"] == f"chmod 600 {terminal.data / 'secret.key'}"


def test_a_data_folder_open_to_others_is_found(terminal: Terminal) -> None:
    terminal.data.chmod(0o750)

    assert examined(terminal)["data folder"]["fix"] == f"chmod go-rwx {terminal.data}"


@pytest.mark.parametrize(("free", "mark"), [(1_000_000_000, "✓"), (100_000_000, "!"), (10_000_000, "✗")])
def test_a_disk_that_fills_up_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, mark: str) -> None:
    monkeypatch.setattr(machine, "free_bytes", lambda _: free)

    (finding,) = machine.disk(Patient(Settings(data_dir=tmp_path), None))

    assert finding.mark == mark


def test_another_program_on_our_port_is_found(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, other: int) -> None:
    monkeypatch.setenv("LEADKEEPER_PORT", str(other))

    assert examined(terminal)["port"]["state"] == "broken"


def test_a_worker_that_is_stopped_or_silent_is_found(terminal: Terminal) -> None:
    silent = examined(terminal)["worker"]
    terminal.db.write_now(control.choose, "stopped")
    stopped = examined(terminal)["worker"]

    assert "leadkeeper up" in silent["fix"]
    assert "press Start" in stopped["fix"]


def test_a_halted_account_and_a_missing_credential_are_found(terminal: Terminal) -> None:
    box = SecretBox.open(terminal.data)
    halted = terminal.db.write_now(accounts.ensure, "whatsapp", "1001", "Front desk")
    terminal.db.write_now(accounts.halt, halted, "the token has ended (190)")
    bare = terminal.db.write_now(accounts.ensure, "whatsapp", "1002", "Back office")
    terminal.db.write_now(accounts.save_credentials, box, bare, {"token": "t"})

    found = examined(terminal)

    assert "the token has ended (190)" in found["whatsapp Front desk"]["found"]
    assert found["whatsapp Back office"]["found"] == "app_secret, verify_token missing"


def test_a_number_whose_provider_does_not_answer_is_found(terminal: Terminal) -> None:
    account_id = terminal.db.write_now(accounts.ensure, "whatsapp", "1001", "Front desk")
    for number in range(5):
        terminal.db.write_now(outages.failed, account_id, number, "ConnectError: refused")

    found = examined(terminal)["whatsapp Front desk"]

    assert "did not answer 5 times in a row" in found["found"] and "ConnectError: refused" in found["cause"]
    assert "Try now is on /channels" in found["fix"]


def test_half_a_whatsapp_number_in_the_environment_is_found(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADKEEPER_WHATSAPP_PHONE_NUMBER_ID", "1001")
    monkeypatch.setenv("LEADKEEPER_WHATSAPP_TOKEN", "t")
    monkeypatch.setenv("LEADKEEPER_WHATSAPP_VERIFY_TOKEN", "v")

    assert examined(terminal)["WhatsApp by environment"]["fix"] == "set LEADKEEPER_WHATSAPP_APP_SECRET"


@pytest.mark.parametrize(
    ("given", "state"),
    [({}, "fine"), ({"URL": "http://127.0.0.1:1/v1"}, "broken"), ({"URL": "http://127.0.0.1:1/v1", "MODEL": "m"}, "fine")],
)
def test_a_model_is_configured_whole_or_not_at_all(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, given: dict[str, str], state: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"LEADKEEPER_AI_{name}", value)

    assert examined(terminal)["AI"]["state"] == state


def test_an_address_without_https_is_found(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADKEEPER_PUBLIC_URL", "http://desk.example.com")

    assert examined(terminal)["public address"]["state"] == "look"


def test_a_finding_for_machines_has_its_state_as_a_word() -> None:
    assert Finding("✗", "disk", "full", "cause", "fix").to_json() == {
        "state": "broken", "about": "disk", "found": "full", "cause": "cause", "fix": "fix",
    }  # fmt: skip


@pytest.fixture
def other() -> Iterator[int]:
    """The port of another program's web server."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Quiet", (http.server.BaseHTTPRequestHandler,), QUIET))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


QUIET: dict[str, Any] = {"log_message": lambda *_: None}


def test_a_clock_beside_the_servers_is_found(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_server_ahead", lambda conn: timedelta(seconds=60))

    (finding,) = machine.clocks(patient(terminal))

    assert finding.mark == ("!" if terminal.db.dialect == "postgresql" else "✓")


def test_jobs_that_wait_too_long_are_found(terminal: Terminal) -> None:
    with clock.use(lambda: datetime(2026, 1, 1, tzinfo=UTC)):
        terminal.db.write_now(enqueue, Job("purge", {}))

    assert examined(terminal)["jobs"]["state"] == "look"


@pytest.mark.parametrize(("state", "word"), [("indexed", "fine"), ("failed", "look")])
def test_documents_that_cannot_be_used_are_found(terminal: Terminal, state: str, word: str) -> None:
    now = clock.now()
    row = {
        "title": "Prices",
        "type": "faq",
        "content": "x",
        "format": "txt",
        "state": state,
        "created_at": now,
        "updated_at": now,
    }
    terminal.db.write_now(lambda conn: conn.execute(insert(documents).values(**row)))

    assert examined(terminal)["documents"]["state"] == word


def test_credentials_sealed_with_another_key_are_found(terminal: Terminal) -> None:
    account = terminal.db.write_now(accounts.ensure, "whatsapp", "1001", "Front desk")
    terminal.db.write_now(accounts.save_credentials, SecretBox.open(terminal.data), account, {"token": "t"})
    (terminal.data / "secret.key").unlink()
    SecretBox.open(terminal.data)

    assert "cannot be decrypted" in examined(terminal)["whatsapp Front desk"]["found"]
