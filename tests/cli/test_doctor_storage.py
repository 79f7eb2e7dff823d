"""The doctor looks at what is stored: database, journal, write, key."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from leadkeeper.cli.doctor import storage
from leadkeeper.cli.doctor.findings import Patient
from leadkeeper.config import Settings
from leadkeeper.errors import Unavailable
from leadkeeper.secretbox import SecretBox
from tests.cli.conftest import Terminal
from tests.cli.examining import examined, free_port, patient

__all__ = ["free_port"]


def test_a_database_of_another_schema_or_engine_or_out_of_reach_is_told_apart(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fix_of(url: str) -> str:
        monkeypatch.setenv("LEADKEEPER_DATABASE_URL", url)
        return str(examined(terminal)["database"]["fix"])

    assert fix_of(f"sqlite:///{terminal.data / 'none.db'}") == "leadkeeper migrate"
    assert fix_of("mysql://db/leads") == "mend LEADKEEPER_DATABASE_URL"
    assert fix_of("postgresql://nobody@127.0.0.1:1/none").startswith("start the database server")


def test_no_migration_is_advised_for_a_database_that_is_ahead(terminal: Terminal) -> None:
    terminal.db.write_now(lambda conn: conn.execute(text("update alembic_version set version_num = '9999'")))

    finding = examined(terminal)["database"]

    assert "newer than this program" in finding["found"]
    assert finding["fix"] == "install the program that was used last, or a newer one"


def test_a_damaged_database_is_found_and_a_backup_advised(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    (terminal.data / "damaged.db").write_text("half a page")
    monkeypatch.setenv("LEADKEEPER_DATABASE_URL", f"sqlite:///{terminal.data / 'damaged.db'}")

    finding = examined(terminal)["database"]

    assert finding["found"] == "the database file is damaged: file is not a database"
    assert "restore your backup" in finding["fix"]


def test_a_database_that_cannot_be_written_is_found(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(storage.probe, "write", full)

    (finding,) = storage.write(patient(terminal))

    assert (finding.mark, finding.found) == ("✗", "the disk is full")


def test_a_file_without_a_write_ahead_log_is_found(terminal: Terminal) -> None:
    found = list(storage.journal(patient(terminal)))
    if terminal.db.dialect == "postgresql":
        assert found == []
        return
    assert found[0].mark == "✓"

    terminal.db.close()
    with sqlite3.connect(str(terminal.db.url.database)) as file:
        file.execute("PRAGMA journal_mode=DELETE")
    file.close()
    reader = create_engine(f"sqlite:///{terminal.db.url.database}")
    plain = type("Plain", (), {"dialect": "sqlite", "read_now": lambda self, fn: fn(reader.connect())})()

    (finding,) = storage.journal(Patient(Settings(), plain))

    reader.dispose()
    assert finding.mark == "✗"


def test_a_key_that_is_not_whole_is_found(terminal: Terminal) -> None:
    (terminal.data / "secret.key").write_text("half a k")
    (terminal.data / "secret.key").chmod(0o600)

    assert "restore" in examined(terminal)["secret.key"]["fix"]


def test_a_key_that_this_user_may_not_read_is_told_with_the_command(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    SecretBox.open(terminal.data)

    def denied(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", denied)

    assert examined(terminal)["secret.key"]["fix"] == f"chown $(id -u) {terminal.data / 'secret.key'}"
